"""Characters that look like an ASCII one (a choice from the confusables of Unicode Technical Standard 39)."""

from typing import Final


def _table(text: str) -> dict[str, str]:
    """Four hexadecimal digits and the ASCII character that they look like, each."""
    return {chr(int(pair[:4], 16)): pair[4] for pair in text.split()}


# Cyrillic, Greek, Armenian and Latin letters.
LETTERS: Final = _table(
    "0430a 0435e 043Eo 0440p 0441c 0443y 0445x 0456i 0458j 0455s 04BBh 0501d 051Bq 051Dw 04CFl 0410A 0412B 0415E "
    "041AK 041CM 041DH 041EO 0420P 0421C 0422T 0425X 0423Y 0405S 0406I 0408J 050CG 051AQ 051CW 03BFo 03BDv 03B1a "
    "03B9i 03C1p 03C5u 03BAk 0391A 0392B 0395E 0396Z 0397H 0399I 039AK 039CM 039DN 039FO 03A1P 03A4T 03A5Y 03A7X "
    "0585o 057Du 0578n 0570h 0581g 0566q 0251a 0261g 0131i "
)
# Signs that mean something else to a shell or in an address. Dashes and quotes of ordinary prose are left out.
SIGNS: Final = _table(
    "2010- 2011- 2012- 2212- 2043- 2044/ 2215/ 29F8/ 2216\\ 29F5\\ 2217* 2223| 01C0| 201A, 066B, 037E; 02D0: A789: "
    "2236: 2024. 01C3! 02BC' "
)
