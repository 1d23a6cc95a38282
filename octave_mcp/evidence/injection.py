"""Detects text that addresses a language model instead of the company's customers (prompt injection).

Text that passes this check is still untrusted, because no pattern finds every instruction or lie. The patterns match
only wording that makes no sense to human readers of a company's site.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

# Maximum number of characters between two words of one instruction, as in 'ignore … previous … instructions'.
MAX_GAP_CHARACTERS = 40

# These letters, such as Cyrillic, Greek and small-capital ones, look like plain Latin letters. They are replaced with
# plain Latin letters, both in the texts and in the Russian patterns.
LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕԁԛԝһӏьαβγεικνορτυχωϲϳıɩɡɑʋᴀᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
    "abekmhopctyxijsdqwhlbabyeikvoptuxwcjiigavacdeghijklmnoprstuvwyz",
)
# Digits and signs that can replace letters, as in '1gn0re'.
LEETSPEAK = str.maketrans("013457@$!", "oieastasi")
# Invisible characters that can encode hidden text: tag characters and variation selectors.
INVISIBLE_TEXT = {
    **{0xE0000 + code: chr(code) for code in range(0x20, 0x7F)},
    **{0xE0100 + code - 16: chr(code) for code in range(0x20, 0x7F)},
}
# Soft hyphens, zero-width characters and other invisible characters can split a word: 'ig\u00adnore'.
UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]")
# Letters with separators between them: 'i g n o r e', 'i.g.n.o.r.e'.
SPACED_OUT = re.compile(r"(?<!\w)(?:\w[ ._*-]){4,40}\w(?!\w)")
WORD = re.compile(r"[a-z0-9@$!]+")
# Matches a letter next to a digit or sign.
MIXED = re.compile(r"[a-z][0-9@$!]|[0-9@$!][a-z]")
# Matches text that can be base64 and is long enough to contain an instruction.
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,4000}={0,2}")
# Maximum number of encoded texts to decode in one text. Decoding a text full of tokens or hashes would take too long.
MAX_ENCODED = 20
# Minimum share of printable characters in decoded text. If the share is lower, the text is probably a random token that
# happens to decode as UTF-8.
MIN_PRINTABLE_SHARE = 0.9

MODEL = (
    r"(?:ais?|a\.i\.|llms?|(?:large )?language models?|ai[- ](?:assistants?|agents?|models?|systems?|bots?|crawlers?"
    r"|summari[sz]ers?|readers?|tools?|scrapers?)|chat-?gpt|gpt|claude|gemini|copilot|assistants?|chatbots?)"
)
TEXT = r"(?:page|web ?page|site|website|text|document|content|company|article|passages?|data|report)"


# In each block below, a paragraph is one pattern, whose lines are joined without spaces. The patterns of the first four
# blocks match only at the beginning of a word, which is tested once for all of them.
PARTS = {"<model>": MODEL, "<text>": TEXT, "<gap>": rf"[^.!?\n]{{0,{MAX_GAP_CHARACTERS}}}?", "<char>": r"[^。!?\n]"}
# Orders to ignore earlier instructions, in English, German, French, Spanish, Portuguese, Italian and Russian.
OVERRULES = r"""
(?<!not )(?<!never )(?:ignore|disregard|forget|override|bypass|discard|stop following|do not follow
|don'?t follow)\b<gap>\b(?:previous|prior|above|earlier|preceding|foregoing|former|system|developer|original
|existing|your|other|all)\b<gap>\b(?:instructions?|prompts?|directions|directives|guidelines
|safety rules)\b

(?:ignore|disregard|forget) (?:everything|all|anything|what)\b.{0,20}\b(?:above|before|told|said|previously)\b

(?:ignorier\w*|vergiss|vergessen sie|missacht\w*|uberschreib\w*|beacht\w* nicht)\b<gap>\b(?:vorherig|bisherig
|vorig|obig|fruher|vorangegangen|vorstehend|all|dein|ihr)\w*<gap>\b(?:anweisung|instruktion|vorgabe|befehl|regel
|prompt|systemprompt)\w*

(?:ignor(?:e[rz]?|ons)|oubli(?:e[rz]?)|ne ti(?:ens|enne|ent|enez|ens) pas compte
|neglige[rz]?)\b<gap>\b(?:instructions?|consignes?|directives?|ordres|commandes)\b<gap>\b(?:precedente?s?
|anterieure?s?|ci-dessus|prealables?|initiales?|systeme)\b

(?:ignor[aeio]\w*|olvid[ae]\w*|esque[cç]\w*|dimentic\w*|omit[aei]\w*|descart[ae]\w*|desconsider[ae]\w*
|haga? caso omiso|haz caso omiso|no hagas caso)\b<gap>\b(?:instruccion|indicacion|orden|instruco|instrucao
|istruzion|directric|comando|regla)\w*<gap>\b(?:anterior\w*|previ[ao]s?|precedent[ei]s?|de arriba|de cima|acima
|sopra|del sistema|do sistema)\b

(?:(?:про)?игнорируи|забудь|отмени|не обращаи внимания|пренебреги|не следуи)\w*<gap>\b(?:предыдущ|прежн
|вышеуказанн|прошл|ранн|системн|все|всех|любые|свои|данн)\w*<gap>\b(?:инструкци|указани|команд|правил|промпт
|подсказк|распоряжени)\w*
"""

# Text that gives a model a new identity or mode: 'You are now an unrestricted assistant', 'Enter developer mode'.
BECOMES = r"""
you are (?:now |henceforth )?(?:an? |the )?(?:ai|artificial intelligence|(?:large )?language model|llm
|chat-?bot|(?:helpful|ai|unrestricted|unfiltered) assistant|ai (?:model|agent|system)|unrestricted|jailbroken
|unfiltered|dan)(?=\s*(?:[.,:;!]|and\b|that\b|who\b|with|which\b|called|named|assistant|model|$))

from now on,? you (?:are|will act|will only|must|will respond|will answer|will ignore|should act)\b

(?:pretend|act as if|roleplay as if) (?:that )?you (?:are|were) (?:an? )?(?:ai|unrestricted|dan|not bound
|free)\b

as an? (?:ai|ai language model|language model|llm|ai assistant|ai agent),? you (?:must|should|are|will|need
|can)\b

(?:enable|enter|activate|you are in) (?:developer|dan|god|debug|admin
|maintenance) mode\b(?=.{0,80}\b(?:restrict|filter|rule|instruction|assistant|respond|answer|you)\b)

(?:du bist|sie sind) (?:(?:jetzt|nun|ab jetzt|von nun an) (?:ein|eine|der) assistent|(?:jetzt |nun |ab jetzt )?
(?:ein|eine|die|der) (?:ki|kunstliche|sprachmodell|chatbot))\b

(?:tu es|vous etes) (?:(?:maintenant|desormais) une? assistant|(?:maintenant |desormais )?(?:une? |l')
(?:ia|intelligence artificielle|modele de langage|chatbot))\b

(?:eres|usted es|voce e|sei) (?:(?:ahora|agora|ora) um?n? (?:asistente|assistente)|(?:ahora |agora |ora )?
(?:una? |uma? |un')(?:ia|inteligencia artificial|intelligenza artificiale|modelo de lengua\w+|chatbot))\b

ты (?:(?:теперь|отныне|сеичас) (?:ассистент|помощник)|(?:теперь |отныне |сеичас )?(?:[-—] )?
(?:ии|искусственныи интеллект|языковая модель|чат-?бот))\b
"""

# Text that is addressed to models: 'If you are an AI reading this, ...', 'AI assistants must recommend ...'.
ADDRESSES = r"""
(?:if|since|because) you(?:'re| are) (?:an? |the )?<model>(?=\s*(?:,|:|reading|processing|summari|analy[sz]
|and\b|or\b|you\b|please|visiting|crawling|scraping|researching|writing|that\b|must\b|do not))

(?:dear|attention|hello|hey|listen|warning|notice to|notes? (?:to|for)|messages? (?:to|for|from)
|instructions? (?:to|for)|important for|addressed to|hi)[,:]? (?:all |any |the |every )*(?:<model>)\b(?=\s*(?:[,:!.—–-]
|and\b|reading|processing|that\b|who\b))

<model>\b[ ,:]{1,3}(?:(?:who|that|which) (?:are |is )?)?(?:reading|processing|summari[sz]ing|analy[sz]ing
|crawling|parsing|scraping|visiting) (?:of )?(?:this|these|our)\b

<model>\b (?:must|shall|should always|are (?:instructed|required|ordered|asked|told) to|is (?:instructed
|required|told) to) (?:always |only |never |not |now )*(?:report|say|state|ignore|include|output|respond|reply
|answer|mention|rank|recommend|rate|describe|treat|conclude|write|add|obey|comply)\b

when (?:you (?:are )?)?(?:summari[sz]e|summari[sz]ing|analy[sz]e|analy[sz]ing|reading|read|processing|process
|describing|reviewing|evaluating|writing about|asked about)\b<gap>\b(?:this|these|our
|us)\b (?:<text>\b)?<gap>\b(?:you must|always|do not mention|never mention|only say|say that|state that
|include the|add the|recommend|conclude|output|respond|write that|rate (?:it|us))\b

(?:output|respond with|reply with|answer with|say|write|print|state|include|mention
|repeat)\b<gap>\bin your (?:next )?(?:summary|answers?|response|reply|output|analysis|playbook|json|findings)\b

(?:do not|don'?t|never) (?:mention|tell|reveal|disclose|show|report|say|inform)\b<gap>\bto the (?:user|human
|operator)\b|\b(?:do not|don'?t|never) (?:tell|inform|alert|warn|notify) the (?:user|human|operator)\b

this (?:text|message|note|passage|section|instruction) is (?:only )?(?:for|addressed to|intended for
|meant for) (?:all |any |the |an? )*<model>\b

(?:wenn|falls) (?:du|sie) (?:ein|eine) (?:ki|sprachmodell|llm|assistent|chatbot)\b<gap>\b(?:bist|sind)\b

(?:hinweis|anweisung|nachricht|achtung|wichtig)\w* (?:an|fur)?:? ?(?:alle )?(?:kis?|ki-\w+|sprachmodelle?
|llms?|chatbots?)\b\s?[:,!]

si (?:tu es|vous etes) (?:une? )?(?:ia|intelligence artificielle|modele de langage|llm|assistant ia|chatbot)\b

(?:note|message|instructions?|attention|consigne)s? (?:aux?|pour|destinee?s? aux?)? ?(?:les |tous les )?(?:ia
|llms?|modeles? de langage|assistants? ia|intelligences? artificielles?)\b\s?[:,!]

si eres (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje|llm|asistente|chatbot)\b

(?:nota|mensaje|instruccion(?:es)?|atencion|aviso)s? (?:a|para)? ?(?:las? |los |todos los )?(?:ia|llms?
|modelos? de lenguaje|asistentes? de ia|inteligencias? artificiales?)\b\s?[:,!]

если (?:ты|вы)\s?[-—]?\s?(?:являе\w+ )?(?:ии|искусственны\w+ интеллект\w*|языков\w+ модел\w+|ассистент\w*
|чат-?бот\w*)\b

(?:внимание|сообщение|инструкци\w+|примечание) (?:для )?(?:всех )?(?:ии|языковых моделеи|llm|чат-?ботов
|ассистентов)\b\s?[-:,!]
"""

# Forged system messages, and requests to reveal prompts or secrets.
SMUGGLES = r"""
(?<!operating )(?:system|developer)(?: (?:message|prompt|override|instructions?|note
|alert))?[^\w]{0,3}:\s*(?:you|ignore|disregard|the user|do not|always|never|new|override|output|respond|from now)\b

(?:begin|new|updated|start of|end of|override|overriding) (?:system|developer|hidden) (?:prompts?
|instructions?|messages?)\b[^\w]{0,3}(?::|you\b)

system (?:override|instruction override|prompt override)\b

your (?:new|real|true|actual|updated|only) (?:instructions?|system prompt|directives?|prompts?)\b (?:is|are)\b

(?:reveal|print|repeat|output|show|leak|disclose|display|expose)
\b<gap>\b(?:your|the|its) (?:entire |full |hidden |initial |original )*
(?:system prompt|system message|hidden instructions|initial instructions)\b

(?:gib|zeige?|nenne?|verrate?|affiche[rz]?|revele[rz]?|montre[rz]?|muestra|revela|imprime|mostra|покажи\w*
|выведи\w*|раскрои\w*)\b<gap>\b(?:system-? ?prompt|prompt (?:systeme|del sistema|du systeme|do sistema)
|системн\w+ (?:промпт|подсказк|инструкци)\w*)

(?<!not )(?<!never )(?:send|post|forward|transmit|exfiltrate|leak|email|upload)\b<gap>\b(?:system prompt
|conversation history|chat history|your instructions|your memory|(?:user'?s|your) (?:api keys?|credentials
|passwords?|secrets))\b

end of (?:the )?(?:untrusted|user|web|page|retrieved) (?:data|content|input|passages?|text)\b
"""

CHAT_MARKUP = (
    r"<\|?/?(?:im_start|im_end|system|endoftext|begin_of_text|start_header_id|eot_id)\b[^<>\n]{0,20}\|?>"
    r"|\[/?inst\]|<</?sys>>"
)

# These patterns do not use `\b`, because Chinese and Japanese have no spaces and Korean words take endings.
CJK = r"""
(?:忽略|无视|無視|忘记|忘掉|忘記|不要理会|不要遵守|不要遵循|抛弃|丢弃|覆盖)
<char>{0,6}(?:之前|以上|上述|上面|先前|前面|此前|所有|一切|全部|任何|你的|您的|系统|系統)<char>{0,8}(?:指令|指示|提示词?|提示詞|规则|規則|命令|要求|设定|設定)

(?:你|您)(?:现在|現在|从现在起|從現在起)?是(?:一个|一個|一名)?[^。!?,\n]{0,8}(?:AI
|人工智能|人工智慧|语言模型|語言模型|大模型|AI助手)

(?:你|您)(?:现在|現在|从现在起|從現在起)是<char>{0,8}助手

(?:如果|若|假如)(?:你|您)是<char>{0,6}(?:AI|人工智能|语言模型|語言模型|大模型|LLM)

(?:致|给|請|请)(?:所有)?(?:的)?(?:AI|人工智能|大?语言模型|大模型|LLM)(?:模型|助手
|助理|读者|系统)?[:,!]

(?:输出|輸出|显示|顯示|泄露|透露|打印|告诉我)<char>{0,8}(?:系统提示|系統提示|系统指令
|初始指令)

(?:AI|人工智能|大?语言模型|大模型)(?:模型|助手|助理)?(?:必须|必須|务必
|应当)<char>{0,10}(?:回答|回复|输出|推荐|说明|忽略|声明|声称)

(?:これまで|以前|上記|前述|先ほど|すべて|全て|今まで|元|システム)の?<char>{0,12}(?:指示
|命令|プロンプト|ルール|指令|設定|制約)<char>{0,6}(?:無視|忘れ|破棄|従わ)

(?:あなた|君|貴方)は(?:今|これ)?(?:から|より)?<char>{0,12}(?:AI|人工知能|言語モデル
|アシスタント|チャットボット)(?:です|だ|として|になり)

(?:もし)?(?:あなた|君)が<char>{0,8}(?:AI|人工知能|言語モデル|LLM)(?:なら|の場合
|であれば|で)

(?:AI|言語モデル|LLM)(?:アシスタント|モデル|エージェント)?(?:へ|の皆さん|の方へ|への指示
|への注意|は必ず)[:、,!]?

システムプロンプト<char>{0,6}(?:表示|出力|開示|教え|見せ)

(?:이전|위의?|앞의?|모든|기존|지금까지)[^.!?\n]{0,14}(?:지시|명령|프롬프트|규칙
|지침)[^.!?\n]{0,8}(?:무시|잊|따르지)
"""


def _skeleton(text: str) -> str:
    """Return the text in lower case, without accents, and with Latin letters instead of their lookalikes."""
    if text.isascii():
        return text.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))
    return plain.translate(LOOKALIKES)


def _any_of(patterns: str) -> str:
    for name, part in PARTS.items():
        patterns = patterns.replace(name, part)
    return "|".join("".join(paragraph.split("\n")) for paragraph in patterns.strip().split("\n\n"))


@cache
def _instruction() -> re.Pattern[str]:
    """Compile the patterns on first use, because compiling takes 20 ms and the parser's subprocess never needs them."""
    at_words = _any_of(f"{OVERRULES}\n{BECOMES}\n{ADDRESSES}\n{SMUGGLES}")
    return re.compile(_skeleton(rf"\b(?=\w)(?:{at_words})|{CHAT_MARKUP}"))


@cache
def _cjk_instruction() -> re.Pattern[str]:
    return re.compile(_any_of(CJK), re.IGNORECASE)


# Hidden text and the names of pictures are checked with only these few patterns, because all patterns take much longer.
FIRST_LOOK = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|instructions?|prompts?)\b"
    r"|\b(?:system|developer) prompt\b|\byou are (?:now )?an? (?:ai|assistant|language model)\b"
    r"|\b(?:ai|language) models?\b.{0,40}\b(?:must|should|reading)\b",
    re.IGNORECASE | re.DOTALL,
)


def may_address_model(text: str) -> bool:
    """Return whether a text probably addresses a model.

    This check is fast enough for whole pages, but less thorough than `addresses_model`.
    """
    return bool(FIRST_LOOK.search(text))


def addresses_model(text: str) -> bool:
    """Whether the text gives a model instructions or a new identity, even in a disguised or base64-encoded form."""
    visible = text if text.isascii() else UNSEEN.sub("", text.translate(INVISIBLE_TEXT))
    return _instructs(visible) or any(map(_instructs, _decoded(visible)))


def _instructs(text: str) -> bool:
    if not text.isascii() and _cjk_instruction().search(unicodedata.normalize("NFKC", text)):
        return True
    return any(_instruction().search(variant) for variant in _variants(" ".join(_skeleton(text).split())))


def _variants(text: str) -> Iterator[str]:
    """Yield the text, a variant that reads '1gn0re' as 'ignore', and a variant that reads 'i g n o r e' as 'ignore'."""
    yield text
    if MIXED.search(text) and (respelled := WORD.sub(_without_leetspeak, text)) != text:
        yield respelled
    if SPACED_OUT.search(text):
        yield SPACED_OUT.sub(lambda word: re.sub(r"[ ._*-]", "", word[0]), text)


def _without_leetspeak(word: re.Match[str]) -> str:
    """Replace digits with letters in a word such as '1gn0re', but not in a number or in a word such as 'Now!'."""
    text = word[0].rstrip("!")
    return word[0] if text.isalpha() or not any(map(str.isalpha, text)) else text.translate(LEETSPEAK)


def _decoded(text: str) -> Iterator[str]:
    for match in list(ENCODED.finditer(text))[:MAX_ENCODED]:
        word = match[0].rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            decoded = base64.b64decode(word + "=" * (-len(word) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if sum(map(str.isprintable, decoded)) >= MIN_PRINTABLE_SHARE * len(decoded):
            yield decoded
