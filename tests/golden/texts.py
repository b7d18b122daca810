"""The texts of the golden files: what people encode, and what breaks tokenizers."""

from __future__ import annotations

_VISIT = (
    "Visit {number}: walking distance {meters} meters, no chest pain, ankles dry, weight {kilos} kg, "
    "bisoprolol and ramipril continued, potassium {potassium:.1f} mmol/l."
)
_LONG_NOTE = " ".join(
    _VISIT.format(number=number, meters=200 + 15 * number, kilos=91 - number, potassium=3.9 + number / 20)
    for number in range(1, 21)
)

TEXTS = (
    "Cat scratch injury",
    "Bartonellosis",
    "type 2 diabetes mellitus with diabetic chronic kidney disease, stage 3a",
    "The patient was brought in after a fall from a ladder and could not bear weight on the left leg.",
    (
        "Past history: asthma since childhood, two exacerbations last winter, both treated with oral "
        "steroids. Today the chest is clear, saturation is 97 % on room air, and the inhaler "
        "technique was checked and corrected. Plan: step up to a combined inhaler, peak flow diary, review "
        "in four weeks."
    ),
    "",
    "🤒 fever + 🤧 cold, no 💊 taken",
    "Ménière's disease; Sjögren's syndrome; naïve T-cell — São Paulo cohort, 37.5 °C, β-blocker",
    "糖尿病性腎症と高血圧症",
    "The [MASK] of the wound was </s> clean and <mask> dry.",
    "CRP<5mg/l;WBC 11.2x10^9/L\tHb:9,1 g/dl (↓)\n\n--- q.d./b.i.d. ???",
    _LONG_NOTE,
)
