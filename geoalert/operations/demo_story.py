"""What the demo says and where: a water cut in Kothrud-Bavdhan and across the Mutha, a flood along the river, the
all-clear. Times are given by the demo's clock; the incidents are invented.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import shapely

OFFICE: Final = "kothrud-bavdhan"
DEPARTMENTS: Final = (
    "water-supply",
    "disaster-management",
    "road",
    "traffic-planning",
    "fire",
    "electrical",
    "health",
    "solid-waste",
)
CELL: Final = "information-technology"
ACCOUNTS: Final = (("pune_mr", "mr"), ("pune_hi", "hi"), ("pune_en", "en"))

# A served area south of the river, drawn by hand across the Mutha near Mhatre bridge; lon, lat.
ACROSS_THE_MUTHA: Final = (
    (73.8230, 18.4925), (73.8345, 18.4905), (73.8445, 18.4965), (73.8460, 18.5045),
    (73.8365, 18.5075), (73.8255, 18.5015), (73.8230, 18.4925),
)  # fmt: skip
# The Mutha from Shivane to the Sangam, a rough line; lon, lat.
MUTHA: Final = (
    (73.7880, 18.4680), (73.8010, 18.4770), (73.8160, 18.4800), (73.8290, 18.4870), (73.8385, 18.5020),
    (73.8425, 18.5120), (73.8475, 18.5170), (73.8535, 18.5230), (73.8620, 18.5310),
)  # fmt: skip
REACH: Final = 0.0032  # degrees on either side, about 350 m

WATER: Final = {
    "mr": {
        "headline": "आज १२:०० ते २०:०० पाणीपुरवठा बंद",
        "description": "चांदणी चौक जलवाहिनीच्या तातडीच्या दुरुस्तीमुळे पाणीपुरवठा बंद राहील. २३:०० पर्यंत दाब कमी राहील.",
        "instruction": "१२:०० पूर्वी पाणी साठवून ठेवा. टँकर व माहितीसाठी १८००-१०३-०२२२.",
    },
    "hi": {
        "headline": "आज १२:०० से २०:०० तक पानी बंद",
        "description": "चांदनी चौक जलवाहिनी की तत्काल मरम्मत के कारण जलापूर्ति बंद रहेगी। २३:०० तक दबाव कम रहेगा।",
        "instruction": "१२:०० से पहले पानी भर लें। टैंकर और जानकारी के लिए १८००-१०३-०२२२।",
    },
    "en": {
        "headline": "Water supply off today, 12:00 to 20:00",
        "description": "Urgent repair of the Chandni Chowk main. Expect low pressure until 23:00.",
        "instruction": "Store water before 12:00. Tankers and questions: 1800-103-0222.",
    },
}
FLOOD: Final = {
    "mr": {
        "headline": "पुराचा धोका: मुठा नदीकाठ रिकामा करा",
        "description": "खडकवासला धरणातून विसर्ग वाढवला आहे. नदीची पातळी वेगाने वाढत आहे.",
        "instruction": "आताच उंच ठिकाणी जा. नदीपात्रात जाऊ नका. मदत: ११२.",
    },
    "hi": {
        "headline": "बाढ़ का खतरा: मुठा नदी किनारा खाली करें",
        "description": "खडकवासला बांध से पानी छोड़ा जा रहा है। नदी का स्तर तेज़ी से बढ़ रहा है।",
        "instruction": "अभी ऊँचे स्थान पर जाएँ। नदी में न उतरें। सहायता: ११२।",
    },
    "en": {
        "headline": "Flood danger: leave the banks of the Mutha",
        "description": "More water is being released from Khadakwasla dam. The river is rising fast.",
        "instruction": "Move to higher ground now. Stay out of the river bed. Help: 112.",
    },
}
ALL_CLEAR: Final = {
    "mr": {
        "headline": "पुराचा धोका टळला",
        "description": "मुठा नदीची पातळी धोक्याच्या खाली आली आहे.",
        "instruction": "घरी परतू शकता. ओल्या भिंती व विजेच्या वस्तूंपासून सावध राहा.",
    },
    "hi": {
        "headline": "बाढ़ का खतरा टल गया",
        "description": "मुठा नदी का स्तर खतरे के निशान से नीचे आ गया है।",
        "instruction": "घर लौट सकते हैं। गीली दीवारों और बिजली के सामान से सावधान रहें।",
    },
    "en": {
        "headline": "The flood danger is over",
        "description": "The Mutha has fallen below the danger mark.",
        "instruction": "You may go home. Beware of wet walls and electrical fittings.",
    },
}


def flood_area() -> shapely.Polygon:
    """A stretch on both sides of the river, in degrees."""
    line = shapely.LineString(MUTHA)
    return shapely.transform(line.buffer(REACH, quad_segs=6), lambda corners: corners.round(6))


def drawn_area() -> shapely.Polygon:
    """The hand-drawn polygon of the water cut."""
    return shapely.Polygon(ACROSS_THE_MUTHA)


def water_cut(now: datetime) -> dict[str, Any]:
    """The body of `POST /v1/alerts`."""
    return {
        "category": "water-supply",
        "severity": "Moderate",
        "urgency": "Expected",
        "certainty": "Likely",
        "onset": (now + timedelta(hours=2)).isoformat(),
        "expires": (now + timedelta(hours=13)).isoformat(),
        "texts": WATER,
        "area": {"wards": [OFFICE], "drawn": json.loads(shapely.to_geojson(drawn_area()))},
        "channels": ["push", "sms", "post"],
    }


def flood(now: datetime) -> dict[str, Any]:
    """The body of `POST /v1/broadcasts`."""
    return {
        "category": "flood",
        "severity": "Extreme",
        "urgency": "Immediate",
        "certainty": "Observed",
        "expires": (now + timedelta(hours=6)).isoformat(),
        "texts": FLOOD,
        "area": {"wards": [], "drawn": json.loads(shapely.to_geojson(flood_area()))},
        "channels": ["push", "sms", "post"],
        "reason": "The river is rising faster than a second officer can be reached.",
    }


def all_clear() -> dict[str, Any]:
    """The body of `POST /v1/alerts/{id}/cancel`."""
    return {"texts": ALL_CLEAR, "reason": "The gauge is below the danger mark."}
