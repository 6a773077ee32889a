"""The parameters that say where a reader came from, not which page it is."""

from __future__ import annotations

import re

_PREFIXES = (
    "utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "fb_", "ga_", "at_", "ns_", "amp_",
    "wt_", "wt.", "guce_", "_hs", "__hs", "xtor", "vero_", "oly_", "dm_i", "stm_", "itm_",
)  # fmt: skip
_NAMES = frozenset(
    (
        "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ymclid",
        "twclid", "ttclid", "igshid", "igsh", "mibextid", "srsltid", "rdt_cid", "li_fat_id",
        "epik", "mc_cid", "mc_eid", "mkt_tok", "mkwid", "pcrid", "_ga", "_gl", "_openstat",
        "_unique_id", "_branch_match_id", "rb_clickid", "s_kwcid", "ef_id", "cmpid", "cmp",
        "campid", "campaign_id", "campaignid", "adgroupid", "ito", "ncid", "icid", "s_cid",
        "sc_cid", "ocid", "intcmp", "int_cmp", "xtref", "xtcr", "echobox", "guccounter",
        "_guc_consent_skip", "__twitter_impression", "smid", "smtyp", "sref", "spm", "fref",
        "ref_src", "ref_url", "fromref", "from_ref", "tpcc", "taid", "trk", "trkinfo", "ftag",
        "wpamp", "amp", "nr_email_referer", "feedtype", "feedname", "partner_id", "ssm_id",
        "__tn__", "__xts__", "gs_lcrp", "referrer", "action_object_map", "action_type_map",
        "action_ref_map", "sharetype", "share_id", "sh_kit", "rss_id", "cvid", "emci", "emdi",
        "ceid", "jsessionid", "phpsessid", "aspsessionid", "sessionid", "_ss",
    )
)  # fmt: skip
_BY_VALUE = {
    # `ref`, `source` and the like may also name a section or a revision: only a known sender goes.
    **dict.fromkeys(
        ("ref", "source", "src", "from", "via", "referer"),
        re.compile(
            r"(?:fb|tw|ts|tw_i|twtrec|tco|hn|ig|wa|rss|feed|facebook|twitter|linkedin|reddit|mastodon"
            r"|bluesky|telegram|whatsapp|instagram|google|googlenews|flipboard|newsletter|email"
            r"|(?:https?://)?(?:[\w-]+\.)+[a-z]{2,})(?:[/_-].*)?",
            re.IGNORECASE,
        ),
    ),
    **dict.fromkeys(("mode", "output", "outputtype"), re.compile("amp", re.IGNORECASE)),
    "s": re.compile(r"\d\d"),  # the share buttons of Twitter; a search is rarely two digits
    "m": re.compile(r"[01]"),  # Blogger's page for phones
    "rss": re.compile(r"1|true|yes|", re.IGNORECASE),
}
_BY_HOST = {
    "youtube.com": frozenset({"feature", "si", "ab_channel", "pp"}),
    "youtu.be": frozenset({"feature", "si"}),
    "x.com": frozenset({"t", "s"}),
    "twitter.com": frozenset({"t", "s"}),
}


def is_tracking(key: str, value: str, host: str) -> bool:
    """Return whether a parameter of a page of `host` (without www.) leaves the page the same."""
    name = key.lower().removeprefix("amp;")
    if name in _NAMES or name.startswith(_PREFIXES):
        return True
    shape = _BY_VALUE.get(name)
    if shape is not None and (shape.fullmatch(value) or value.lower() == host):
        return True
    return name in _BY_HOST.get(host, ())
