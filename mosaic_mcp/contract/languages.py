"""Languages by their tags ("de", "pt-BR"; BCP 47), and how files and players spell them."""

from __future__ import annotations

import re

UNKNOWN = "und"
"""The tag of what nobody knows ("undetermined")."""

_CODES = """aa aar; ab abk; af afr; ak aka; am amh; an arg; ar ara; as asm; av ava; ay aym; az
aze; ba bak; be bel; bg bul; bi bis; bm bam; bn ben; bo bod tib; br bre; bs bos; ca cat; ce che;
ch cha; co cos; cr cre; cs ces cze; cv chv; cy cym wel; da dan; de deu ger; dv div; dz dzo; ee
ewe; el ell gre; en eng; eo epo; es spa; et est; eu eus baq; fa fas per; ff ful; fi fin; fj fij;
fo fao; fr fra fre; fy fry; ga gle; gd gla; gl glg; gn grn; gu guj; gv glv; ha hau; he heb iw; hi
hin; hr hrv; ht hat; hu hun; hy hye arm; hz her; id ind; ig ibo; is isl ice; it ita; iu iku; ja
jpn; jv jav; ka kat geo; kg kon; ki kik; kj kua; kk kaz; kl kal; km khm; kn kan; ko kor; kr kau;
ks kas; ku kur; kv kom; kw cor; ky kir; la lat; lb ltz; lg lug; li lim; ln lin; lo lao; lt lit;
lu lub; lv lav; mg mlg; mh mah; mi mri mao; mk mkd mac; ml mal; mn mon; mr mar; ms msa may; mt
mlt; my mya bur; na nau; nb nob; nd nde; ne nep; ng ndo; nl nld dut; nn nno; no nor; nr nbl; nv
nav; ny nya; oc oci; oj oji; om orm; or ori; os oss; pa pan; pl pol; ps pus; pt por; qu que; rm
roh; rn run; ro ron rum; ru rus; rw kin; sa san; sc srd; sd snd; se sme; sg sag; si sin; sk slk
slo; sl slv; sm smo; sn sna; so som; sq sqi alb; sr srp; ss ssw; st sot; su sun; sv swe; sw swa;
ta tam; te tel; tg tgk; th tha; ti tir; tk tuk; tl tgl; tn tsn; to ton; tr tur; ts tso; tt tat;
tw twi; ty tah; ug uig; uk ukr; ur urd; uz uzb; ve ven; vi vie; wa wln; wo wol; xh xho; yi yid;
yo yor; za zha; zh zho chi; zu zul; fil; yue; gsw; und"""
"""ISO 639: a language's code as tags write it, then its other codes."""
_SHORT = {
    code: codes[0] for codes in (line.split() for line in _CODES.split(";")) for code in codes
}
_TAG = re.compile(
    r"([a-z]{2,3})(?:[-_](hans|hant|latn|cyrl|arab))?(?:[-_]([a-z]{2}|[0-9]{3}))?", re.IGNORECASE
)


def language_tag(said: str) -> str:
    """A language as tags spell it: "de" for "GER", "pt-BR" for "pt_br"; empty for what is none."""
    found = _TAG.fullmatch(said.strip())
    code = _SHORT.get(found[1].lower()) if found else None
    if found is None or code is None:
        return ""
    script, country = found[2] or "", found[3] or ""
    return "-".join(filter(None, [code, script.title(), country.upper()]))


def base(language: str) -> str:
    """The language alone, "pt" for "pt-BR"."""
    return language.partition("-")[0].lower()


def in_words(language: str) -> str:
    """A language as a sentence names it: "the language de"."""
    return "an unknown language" if language == UNKNOWN else f"the language {language}"


def is_english(language: str) -> bool:
    """Whether what holds for English alone holds."""
    return base(language) == "en"
