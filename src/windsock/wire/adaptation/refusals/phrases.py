"""Sentences in which providers refuse fields of a request."""

from __future__ import annotations

import re

from windsock.wire.adaptation.parameters import (
    AUDIO,
    DEVELOPER,
    IMAGE,
    IN_MESSAGES,
    NO_SYSTEM,
    OPENING,
    PREFILL,
    SYSTEM,
    TOOL_ID,
    TURNS,
)

SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
MAX_SENTENCES, MAX_SENTENCE = 8, 300


def sentences_of(text: str) -> list[str]:
    """The first sentences of a text, none of them whole where it is long."""
    return [each[:MAX_SENTENCE] for each in SENTENCE.split(text)[:MAX_SENTENCES] if each]


NAME = r"(?<![\w.\-\]])[`'\"“]?(?P<field>[A-Za-z_][\w.\-\[\]]{0,127})[`'\"”]?"
"""A field, in quotes or not."""

OF_CHINESE = r"[`'\"“]?(?P<field>[A-Za-z_][A-Za-z0-9_.]{0,127})"
"""The same after a word that no space parts from it."""

FIELD = re.compile(r"[A-Za-z_][\w\-]{0,63}")

UNTAKEN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:unsupported|unknown|unrecognized|unexpected|unpermitted|invalid|incompatible"
        rf"|additional|unspecified|extra(?:neous)?)"
        rf"(?: request)? (?:param(?:eter)?|argument|field|property|key|keyword argument|name"
        rf"|option)"
        rf"(?:s|\(s\))?(?: (?:supplied|found|passed|provided|specified))?:? [\[(:]?{NAME}",
        rf"{NAME}(?: parameter| field| option)? (?:is|are) (?:yet |currently )?(?:not|un)[ -]?"
        rf"(?:yet |currently )?"
        rf"(?:supported|recognized|permitted|allowed|available|accepted|enabled)",
        rf"does(?: not|n't) (?:support|accept|allow)(?: the)?(?: following)?"
        rf"(?:(?: parameter| field| option)s?|(?<=following)):? "
        rf"\[?{NAME}",
        r"does(?: not|n't) support (?:the )?[`'\"]?(?P<field>[a-z]{1,40}(?:_[a-z]{1,40}){1,4})\b",
        rf"(?:parameter|argument)s? not (?:supported|allowed) (?:on|by|for|with) (?:this|the) "
        rf"model: {NAME}",
        rf"(?:parameter|property|field|option) {NAME} (?:is|was) (?:not|un)[ -]?(?:supported|"
        rf"expected|known|recognized|allowed|permitted)",
        rf"{NAME} (?:is|has been) (?:deprecated|no longer supported|removed)",
        rf"(?:parameter|field|property)s? (?:passed |provided |sent )?(?:is"
        rf"|are) not allowed: {NAME}",
        rf"(?:property|field) {NAME} should not exist",
        rf"\bthe {NAME} field is prohibited",
        rf"{NAME}:? extra (?:fields|inputs) (?:are )?not permitted",
        rf"extra inputs are not permitted(?:,? field)?: {NAME}",
        rf"{NAME} was unexpected",
        rf"does(?: not|n't) support (?:the )?{NAME} (?:field|parameter|option)\b",
        rf"{NAME}:? (?:only|must be) [\w.]+ (?:is|are) allowed",
        rf"invalid {NAME}: only",
        rf"{NAME}(?: parameter)? (?:can|may|must) only be set to [\w.\-]+ (?:for|if|when|with)",
        rf"{NAME}(?: parameter)? must (?:not be set|be (?:(?:(?!\. ).){{0,60}}\bor )?"
        rf"(?:absent|left out|omitted|removed|unset))\b",
        rf"{NAME}(?: parameter)? does(?: not|n't) support being set to",
        rf"不支持(?:的)?(?:参数|字段)[：: ]{{0,3}}{OF_CHINESE}",
        rf"(?:参数|字段)[：: ]{{0,3}}{OF_CHINESE}[`'\"”]? ?(?:不支持|不被支持|不允许|无效)",
        rf"{NAME}(?: parameter)? is only (?:allowed|supported) (?:when|with|if)",
        rf"(?:`[\w.]+`|'[\w.]+'|\b\w{{1,64}}) and {NAME} cannot both be",
        r"(?P<field>thinking)(?:\.type)?: (?:input tag 'adaptive'|input should be 'enabled'|"
        r"unknown variant)",
        rf"loc['\"]: ?[\[(]['\"]body['\"], ?{NAME}",
    )
)
"""Sentences that name a field which is not taken."""

INSTEAD = re.compile(r"use [`'\"]?(\w+)[`'\"]? instead", re.IGNORECASE)

OF_VALUE = re.compile(r"does not support [`'\"]?([\w.\-]+)[`'\"]? with this model", re.IGNORECASE)

ANY_VALUE = re.compile(r"only the default|only [\d.]+ is (?:allowed|supported)", re.IGNORECASE)
"""Of a field that must not be sent at all."""

THOUGHT_FIELDS = ("enable_thinking", "reasoning", "reasoning_effort", "think", "thinking")
THOUGHT_ALONE = r"(?![\w-])(?! (?:blocks?|content|in|mode|tokens?|with)\b)"
NO_THOUGHT = (
    r"\b(?:reasoning|thinking)(?: budgets?| efforts?| levels?| mode)? (?:is|are) "
    r"(?:not (?:available|enabled|supported)|unavailable|unsupported)\b"
)
"""Fields that ask for thoughts, and what may not follow where a model is said to have none."""

OUTPUT_ASKED = r"(?:maximum|max) tokens you requested exceeds the model limit of"
"""Of the length of an answer, under whichever name it was sent."""

MOST = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"at most (\d+) (?:completion|output) tokens",
        r"> (\d+), which is the maximum",
        r"less than or equal to [`'\"]?(\d+)",
        r"(?:max_tokens|max_completion_tokens)\D{0,40}\[\d+, ?(\d+)\]",
        r"(?:string|array) too long\. expected an? (?:string|array) with maximum length (\d+)",
        r"at most (\d+) (?:characters|items|elements|entries)",
        r"(?<![+] )(?<![+] [`'\"])(?<!and )\b(?:max_tokens|max_completion_tokens)[`'\"]?:?"
        r"(?: (?:must be|\(\d{1,9}\)|specified in the request|parameter|value|is (?:not |in)valid:|"
        r"expected a value)){0,4} (?:<=|(?:can ?not|must not) (?:be (?:greater|more) than|exceed))"
        r" (\d+)",
        r"(?:max_tokens|max_completion_tokens)\D{0,40}between \d+ and (\d+)",
        r"maximum (?:number of )?(?:output|completion) tokens\D{0,20}(\d+)",
        rf"{OUTPUT_ASKED} (\d+)",
        r"maximum (?:allowed )?(?:value|length)(?: for [`'\"]?\w+[`'\"]?)? (?:is|of) (\d+)",
    )
)
"""Sentences that name a bound."""

OF_NEEDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), field)
    for pattern, field in (
        (r"tools? param(?:eter)? requires|support (?:the )?(?:use of )?(?:tools?\b|tool[ _](?:use"
         r"|calls?|calling)|"
         r"function calling)|tool choice requires"
         r"|(?<!parallel )(?:tool|function) (?:calling|calls?|use) (?:is|are) (?:not|un)[ -]?"
         r"(?:available|enabled|implemented|supported)|不支持(?:工具|函数)"
         r"|support (?:the )?[`'\"]?toolConfig[`'\"]? (?:field|parameter)"
         r"|(?:工具|函数)调用.{0,6}不支持", "tools"),
        (r"response_format(?: type)?[^.]{0,40}(?:unavailable|not supported|unsupported)|"
         r"json_(?:object|schema)[^.]{0,30}(?:unavailable|not supported|unsupported|不支持)",
         "response_format"),
        (r"response_format[^.]{0,40}\b(?:enabled only|only (?:enabled|supported))|"
         r"\bcannot use response_format|"
         r"json schema (?:constrained|guided|mode|output)[^.]{0,30} (?:not (?:available"
         r"|supported)|unavailable|unsupported)"
         r"|grammar(?:-based generation [^.]{0,80})? is not supported|(?:guided (?:decoding|json)"
         r"|structured outputs?"
         r"|json mode) (?:is |are )?"
         r"(?:not|un)[ -]?(?:yet )?supported|(?:not|n't) support (?:guided|structured) (?:decoding|"
         r"json|outputs?)", "response_format"),
        (r"\bonly (?:a )?single (?:candidate|choice|completion)\b|\bn (?:above|greater than"
         r"|larger than|over) 1\b|candidate_?count must be 1\b"
         r"|\bn_completions? number must be 1\b"
         r"|\bn\b['`\"]? ?:? ?(?:must be|number must be"
         r"|should be)[^.]{0,24}\b1\b|"
         r"only n ?= ?1|multiple (?:candidates|completions) (?:is|are) not (?:enabled|supported)|"
         r"\bn['`\"]? ?> ?1\b|\bn['`\"]?: [^.]{0,40}(?:less than or equal to|at most) 1\b", "n"),
        (r"support the toolConfig\.toolChoice|tool_choice[^.]{0,60}(?:incompatible|cannot be used"
         r"|not support(?:ed)?\b"
         r"|unsupported|unavailable)|"
         r"(?:not|n't) support (?:a |forced |the |this )tool[ _]choice", "tool_choice"),
        (r"\bpenalty is not (?:enabled|supported)", "frequency_penalty"),
        (r"\bpenalty is not (?:enabled|supported)", "presence_penalty"),
        *((rf"does(?: not|n't) support (?:reasoning|thinking){THOUGHT_ALONE}|{NO_THOUGHT}", name)
          for name in THOUGHT_FIELDS),
        (r"\bpredicted outputs? (?:is|are) (?:not |un)supported", "prediction"),
        (OUTPUT_ASKED, "max_tokens"),
        (OUTPUT_ASKED, "max_completion_tokens"),
    )
)  # fmt: skip
"""Sentences about what a deployment cannot serve, and the field that asks for it."""

OF_CONVERSATIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"不支持(?:图片|图像|视觉|多模态)|"
         r"not a (?:multi-?modal|vision)|image input is not supported|"
         r"(?:not|n't) (?:currently )?(?:support|accept|process|handle|allow)(?:ed)?(?: the| any)? "
         r"(?:image|vision|multi-?modal|visual)|(?:images?|image_url|vision)(?: inputs?| content)? "
         r"(?:is|are) (?:not|un)[ -]?(?:supported|allowed|accepted)|"
         r"at most 0 images?|only [`'\"]?text[`'\"]? (?:content|inputs?|parts?)|"
         r"required for image input|text-only model|unknown variant [`'\"]?image_url|"
         r"allowed values: \[[`'\"]?text[`'\"]?\]|support(?:s)? image input", IMAGE),
        (r"audio input is not supported|unknown variant [`'\"]?input_audio|at most 0 audios?|"
         r"(?:not|n't) (?:support|accept|process|handle)(?: the)? (?:input[ _])?audio|"
         r"input_audio[`'\"]? (?:is|are) (?:not|un)[ -]?(?:supported|allowed)", AUDIO),
        (r"system messages? must (?:be|come|appear) (?:at the beginning|(?:the )?first)|"
         r"(?:unexpected|invalid) role [`'\"]?system|only one system message (?:can be|is|may be) "
         r"(?:accepted|allowed|given|present|sent|specified|supported)|"
         r"only (?:the first|one) message can be (?:a )?system", SYSTEM),
        (r"developer instruction is not (?:enabled|supported)|"
         r"system[ _](?:messages?|prompts?|roles?|instructions?)[`'\"]? (?:is "
         r"|are )?(?:currently |yet )?"
         r"(?:not|un)[ -]?(?:yet )?(?:supported|allowed|enabled|available|permitted)|"
         r"(?:not|n't) (?:currently )?(?:support|accept|allow|process|handle)(?:ed)?(?: the"
         r"| any)?(?: use of)? "
         r"[`'\"]?system[`'\"]?(?: (?:with|for)|[ _](?:messages?|prompts?|roles?|instructions?))|"
         r"(?:unsupported|unexpected) (?:message )?role:? [`'\"]?system[`'\"]?[,.]? (?:only"
         r"|expected|must)|"
         r"[`'\"]system[`'\"] (?:role )?is not (?:supported|allowed|enabled)", NO_SYSTEM),
        (r"[`'\"]?developer[`'\"]? is not one of|unknown variant [`'\"]?developer|"
         r"input tag [`'\"]?developer[`'\"]? found|"
         r"(?:unexpected|invalid|unknown|unsupported) (?:message )?role:? [`'\"]?developer|"
         r"does not support [`'\"]?developer", DEVELOPER),
        (r"assistant message prefill|must end with a user message|expected last role user|"
         r"last message must (?:be|come|have)(?: (?:a|an|assistant|by|either|from|message|of|or|"
         r"role|sent|set|the|to|tool|with)\b,?){0,9}[ =:]{1,2}[`'\"]?user\b", PREFILL),
        (r"tool call id was|tool_use\.id: string should match|tool_use_id: string should match|"
         r"tool_calls\[\d+\]\.id'?: string too long|tool_call_id'?: string too long", TOOL_ID),
        (r"roles? (?:should|must) (?:be )?alternat|should alternate with assistant", TURNS),
        (r"conversation must (?:start|begin) with a user|"
         r"first (?:content|message|turn) (?:must|should) (?:use|be|have)[^.]{0,24}\buser",
         OPENING),
        (r"messages?[.\[\w'\]]{0,80}(?: ?:[^:]{0,60})?[. ][`'\"]?property '(?:[\w.]+\.)?(\w+)'"
         r" is unsupported|messages\.\d+\.\w+\.(\w+): property", IN_MESSAGES),
        (r"messages['\"]?, ?\d+, ?['\"]\w+['\"], ?['\"](\w+)['\"][^}]{0,80}extra",
         IN_MESSAGES),
    )
)  # fmt: skip
"""Sentences about the turns of a conversation, and what they call unsupported."""

REFUSES = re.compile(
    r"\bun(?:expected|permitted|recogni[sz]ed|supported)\b|\bextra (?:fields|inputs)\b"
    r"|\bunsupported_param|\bunknown field\b|\bprohibited\b|\bmust not have additional\b"
    r"|(?:\b(?:may|must|can)? ?not|n't|\bno longer)(?: be| been| currently| yet)? "
    r"(?:accept|allow|available|enabled|permit|recogni[sz]ed|set|support)",
    re.IGNORECASE,
)
"""What a sentence says that refuses whatever it names."""

OF_VALUES = re.compile(
    r"\b(?:between|expected|got|greater|less|must be|one of|range|values?)\b", re.IGNORECASE
)
"""What a sentence says that complains of a value, not of the field."""

PLAIN_FIELDS = frozenset(
    {"effort", "logprobs", "reasoning", "seed", "store", "temperature", "thinking", "verbosity"}
)
"""Fields of one word that in a sentence mean nothing else."""

SUBSTANCE = frozenset(
    {"cached_content", "function_call", "generation_config", "max_completion_tokens",
     "max_output_tokens", "max_tokens", "output_config", "output_format", "response_format",
     "safety_settings", "system_instruction", "tool_choice", "tool_config"}
)  # fmt: skip
"""Fields in which a request says what it is about: sentences that name them may speak of what the
caller wrote there, and without them it asks for something else."""

TOOL_FIELDS = ("strict", "cache_control")
"""Fields of a tool, or of its function, without which it is called as before."""

OF_TOOLS = re.compile(
    r"\btools?\b[^\n]{0,80}?\b(?:strict|cache_control)\b[^\n]{0,60}(?:\bextra (?:inputs|fields)"
    r"|not (?:allowed|permitted|supported)|\bun(?:expected|known|recogni[sz]ed|supported)|不支持)"
    r"|\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported|extra) (?:field|key|name|parameter|"
    r"property)s?:? [`'\"]?(?:strict|cache_control)\b"
    r"|\bstrict (?:function|tools?)\b[^\n]{0,40}not supported"
    r"|\bstrict\b[^\n]{0,40}(?:not (?:allowed|permitted|supported)|unsupported)[^\n]{0,60}"
    r"\b(?:function|tool)",
    re.IGNORECASE,
)
"""Sentences that refuse one of them."""
