"""`/v1`: one router per noun (`routers`), and the bodies and answers that the command line shares with them."""
