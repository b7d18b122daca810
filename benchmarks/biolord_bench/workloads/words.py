"""Word lists that the workloads are put together from. Written for this purpose; nothing in them is a patient's."""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


COURSES = _listed(
    "acute|chronic|recurrent|congenital|idiopathic|postoperative|neonatal|juvenile|severe|mild|refractory|bilateral|"
    "unilateral|progressive|latent|hereditary|traumatic|infectious|autoimmune|drug-induced|secondary|primary|diffuse|"
    "focal|benign|malignant|suspected|persistent|subclinical|early-onset"
)
SITES = _listed(
    "hepatic|renal|pulmonary|gastric|duodenal|colonic|pancreatic|splenic|cardiac|mitral|aortic|coronary|cerebral|"
    "cerebellar|spinal|cervical|lumbar|thoracic|femoral|tibial|humeral|radial|patellar|pelvic|ovarian|uterine|"
    "prostatic|testicular|vesical|urethral|thyroid|parathyroid|adrenal|pituitary|retinal|corneal|optic|cochlear|"
    "nasal|laryngeal|tracheal|oesophageal|dental|mandibular|cutaneous|palmar|plantar|axillary|inguinal|umbilical|"
    "mesenteric|biliary"
)
CONDITIONS = _listed(
    "stenosis|fibrosis|atrophy|oedema|abscess|infarction|haemorrhage|carcinoma|adenoma|lymphoma|sarcoma|neuropathy|"
    "myopathy|dysplasia|hyperplasia|ulcer|fistula|calculus|thrombosis|embolism|ischaemia|hypertrophy|necrosis|cyst|"
    "polyp|fracture|dislocation|sprain|laceration|contusion|dystrophy|degeneration|insufficiency|obstruction|"
    "perforation|prolapse|rupture|effusion|granuloma|tuberculosis|candidiasis|vasculitis|arthritis|tendinitis|"
    "bursitis|nephritis|hepatitis|cystitis|pneumonia|asthma|anaemia|eczema|psoriasis|melanoma|glaucoma|cataract|cat "
    "scratch injury|heart failure|type 2 diabetes mellitus|nerve palsy|pressure ulcer|foreign body|stress fracture|"
    "septic shock|muscle weakness|vitamin D deficiency"
)
CAUSES = _listed(
    "Staphylococcus aureus|Escherichia coli|Candida albicans|influenza A virus|cytomegalovirus|alcohol|tobacco smoke|"
    "methotrexate|amiodarone|ionising radiation|a bicycle accident|a fall from a ladder|iron deficiency|"
    "graft-versus-host disease|sickle cell trait|pregnancy|prolonged bed rest|systemic lupus erythematosus|"
    "mechanical ventilation|an insect bite"
)
QUALIFIERS = _listed(
    "left side|right side|unspecified|with complication|without complication|stage II|grade 3|initial encounter|in "
    "remission|third trimester|not elsewhere classified|history of|moderate|type B|paediatric"
)
DRUGS = _listed(
    "paracetamol|ibuprofen|metformin|insulin|warfarin|apixaban|amoxicillin|vancomycin|ceftriaxone|prednisolone|"
    "salbutamol|omeprazole|furosemide|spironolactone|bisoprolol|ramipril|amlodipine|atorvastatin|levothyroxine|"
    "methotrexate|rituximab|carbamazepine|levetiracetam|sertraline|haloperidol|morphine|ondansetron|heparin"
)
FINDINGS = _listed(
    "a creatinine of 148 µmol/L|a temperature of 38.9 °C|a heart rate of 112 per minute|an ejection fraction of 35 %|"
    "a platelet count of 74 × 10⁹/L|raised inflammatory markers|a normal chest radiograph|reduced breath sounds on "
    "the left|a firm mass of 3 cm|loss of pinprick sensation below the knee|mild ankle swelling|no focal deficit|a "
    "blood pressure of 92/54 mmHg|microcytic red cells|two small vessels with thickened walls"
)
PEOPLE = _listed(
    "the patient|this 58-year-old woman|a previously healthy man of 34|the child|her mother|the attending surgeon|an "
    "elderly resident of a care home|one of the participants|the family doctor"
)
EVENTS = _listed(
    "woke at night short of breath|noticed a painless swelling|was admitted through the emergency department|had "
    "stopped taking tablets two weeks before|reported numbness in both hands|was discharged in good condition|asked "
    "for a second opinion|could walk without help on the fifth day|received two units of red cells|denied fever, "
    "weight loss and night sweats|underwent an uncomplicated laparoscopic repair|was followed up for eighteen months"
)
LINKS = _listed("after which|although|because|while|and three days later|in spite of treatment,|so that|before")
