"""Errors in other languages, word by word in English: rules are written in one language only.

What comes out is no grammar, but the words that say what happened, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from windsock.wire.upstream_errors.more_languages import MORE

ENGLISH: Mapping[str, str] = {
    # of several words
    "api key": r"密钥|秘钥|金钥|apiキー|api[ -]?schlüssel\w*|clés? (?:d['’])?api"
    r"|clave (?:de )?(?:la )?api|chave (?:de |da )?api|chiave api|api ?키|인증키|api[ -]?ключ\w*"
    r"|ключ\w* api",
    "context length": r"上下文(?:的)?(?:长度|窗口)|コンテキスト(?:長|ウィンドウ)"
    r"|\bkontext(?:länge|fenster)\w*|\blongueur (?:maximale )?d[eu] (?:la )?contexte"
    r"|\blongitud (?:máxima )?del? contexto|\b(?:janela|comprimento) (?:máximo )?de contexto"
    r"|\bventana de contexto|\bfenêtre de contexte|컨텍스트 (?:길이|창|윈도우)|длин\w+ контекста"
    r"|контекстн\w+ окн\w+",
    "inappropriate content": r"不当内容|不適切な\w*|\bunangemessen\w*|\binappropriée?s?\b"
    r"|부적절한\w*",
    "content filter": r"内容过滤|コンテンツ ?フィルター?|\binhaltsfilter\w*|\bfiltre de contenu"
    r"|\bfiltro de (?:conten\w+|conteúdo)|콘텐츠 필터|фильтр\w* контента",
    "content policy": r"内容策略|コンテンツ ?ポリシー|콘텐츠 정책"
    r"|\b(?:inhalts|nutzungs|sicherheits)richtlinie\w*"
    r"|\bpol[ií]ti(?:que|ca)s? de (?:contenu|sécurité|contenido|seguridad|conteúdo|segurança|uso)",
    "rate limit": r"限流|限频|流控|(?:频率|速率)限制|レート制限|\bratenlimit\w*"
    r"|\blimite de débit|\blímite de (?:velocidad|tasa|frecuencia)|\blimite de taxa|속도 제한"
    r"|частот\w+ запрос\w+",
    "authentication failed": r"(?:鉴权|认证|身份验证)(?:信息)?(?:失败|有误|错误)|認証に失敗\w*"
    r"|인증(?:에)? 실패\w*|\bauthentifizierung fehlgeschlagen|\béchec de l['’]authentification"
    r"|\bautenticación fallida|\bfalha na autenticação|ошибка (?:аутентификации|авторизации)",
    "no access to": r"(?:无权|[没无]有权限)(?:访问|使用|存取|调用)|権限がありません"
    r"|\bkein(?:en)? zugriff auf\b"
    r"|\bpas accès à\b|\bsin acceso a\b|\bno tienes? acceso a\b|권한이 없\w*|нет доступа",
    "temporarily unavailable": r"暂时(?:无法提供服务|不可用)|一時的に利用でき\w*"
    r"|\bvorübergehend nicht (?:verfügbar|erreichbar)|\btemporairement indisponible"
    r"|\btemporalmente no disponible|일시적으로 (?:사용|이용)할 수 없\w*|временно недоступ\w*",
    "prohibited content": r"违禁(?:内容|词)?|禁止内容|금지된 (?:콘텐츠|내용)|запрещ[её]нн\w+",
    # who and what
    "token": r"令牌|トークン|토큰|токен\w*",
    "account": r"[账帐][户号]|アカウント|\bkonto\b|\bcompte\b|\bcuenta\b|\bconta\b|계정"
    r"|аккаунт\w*|уч[её]тн\w+ запис\w+",
    "model": r"模型|モデル|\bmodells?\b|\bmodèles?\b|\bmodelos?\b|\bmodello\b|모델|модел\w+",
    "request": r"请求|调用|リクエスト|\banfragen?\b|\brequêtes?\b|\bdemandes?\b"
    r"|\bsolicitud(?:es)?\b|\bpetici[oó]n(?:es)?\b|\brequisiç\w+|\brichiest[ae]\b|요청|호출"
    r"|запрос\w*",
    "tool": r"工具|ツール|도구|\bwerkzeug\w*|\bherramientas?\b|\boutils?\b|инструмент\w*",
    "parameter": r"参数|字段|栏位|パラメータ|\bparam[eè]tres?\b|\bpar[aá]metros?\b|매개변수"
    r"|параметр\w*",
    "function": r"函数|関数|함수|функци\w*",
    "file": r"文件|ファイル|\bdatei\w*|\bfichiers?\b|\barchivos?\b|파일|файл\w*",
    "image": r"图片|图像|画像|\bbild(?:er)?\b|\bim[aá]gen(?:es)?\b|\bimagem\b|이미지"
    r"|изображени\w*",
    "content": r"内容|文本|コンテンツ|\binhalt\w*\b|\bcontenus?\b|\bcontenido\b|\bconteúdo\b"
    r"|콘텐츠|내용",
    "input": r"输入|提问|提示词|入力|\beingabe\w*|\bentrées?\b|\bentradas?\b|입력|프롬프트"
    r"|プロンプト",
    "output": r"输出|生成|出力|\bausgabe\w*|\bsorties?\b|\bsalidas?\b|출력",
    "response": r"响应|回复|応答|\bantwort\w*|\bréponses?\b|\brespuestas?\b|\bresposta\b|응답"
    r"|ответ\w*",
    "context": r"上下文|コンテキスト|\bkontext\w*|\bcontextes?\b|\bcontextos?\b|컨텍스트"
    r"|контекст\w*",
    "length": r"长度|字数|長さ|\blänge\b|\blongueur\b|\blongitud\b|길이|длин\w+",
    "service": r"服务(?!器)",
    "server": r"服务器|伺服器|引擎|サーバー?|\bdienst\b|\bservidor\b|\bserveurs?\b|서버|сервер\w*",
    "region": r"地区|区域|地域|\bpaís\b|지역|국가|регион\w*|стран\w+",
    # money
    "balance": r"余额|余量|残高|\bguthaben\b|\bsolde\b|\bsaldo\b|잔액|баланс\w*",
    "quota": r"额度|配额|クォータ|割り当て|\bkontingent\w*|\bcuotas?\b|\bcotas?\b|할당량|квот\w*",
    "credits": r"积分|点数|クレジット|크레딧|кредит\w*|\bcréditos?\b|\bcrédits?\b|средств\w*",
    "insufficient": r"不足|足りません|\b(?:nicht ausreichend|unzureichend)\w*|\binsuffisant\w*"
    r"|\binsuficientes?\b|\binsufficiente\b|부족\w*|недостаточн\w*",
    "used up": r"已?用尽|已?用完|已?耗尽|使い切\w*|\baufgebraucht\b|\berschöpft\b|\bépuisé\w*"
    r"|\bagotad\w+|\besgotad\w+|소진\w*|исчерпан\w*",
    "overdue": r"欠费|逾期|未払い|\bimpayé\w*|\büberfällig\w*|연체|просроч\w+",
    "recharge": r"[充储]值|チャージ|\brecharge[rz]\b|\brecarg\w+|\baufladen\b|충전|пополнит\w*",
    # limits
    "limit": r"限制|上限|限额|制限|\bgrenz(?:e|wert)\b|\blimites?\b|\blímites?\b|한도|лимит\w*",
    "exceeded": r"超出|超过|超限|超え\w*|\büberschr\w+|\büberstieg\w*|\bdépass\w+|\bexced\w+"
    r"|\bsupera\w*|초과\w*|превы[шс]\w*",
    "reached": r"已?达到|達しました|\berreicht\b|\batteinte?\b|\balcanzad\w+|\batingid\w+"
    r"|도달\w*|достигнут\w*",
    "resets": r"重置|リセットされ\w*|\bzurückgesetzt\b|\bréinitialisé\w*|\brestablec\w+"
    r"|초기화\w*|сброс\w*",
    "too many": r"过多|太多|过于频繁|过快|多すぎ\w*|\bzu viele\b|\btrop de\b|\bdemasiad[oa]s\b"
    r"|\bmuit[oa]s\b|너무 많\w*|слишком много",
    "too long": r"过长|超长|太长|[長长]すぎ\w*|\bzu lang\b|\btrop long\w*|\bdemasiado larg\w+"
    r"|\bmuito long\w+|너무 (?:깁|길)\w*|слишком длинн\w*",
    "busy": r"繁忙|忙碌|忙线|拥挤|混雑\w*|混み合\w*|\bocupad\w+|\bausgelastet\b|혼잡\w*|занят\b",
    "overloaded": r"负载(?:已)?(?:饱和|过高)|访问量过大|過負荷|\büberlastet\w*|\bsurchargé\w*"
    r"|\bsobrecargad\w+|\bsobrecarregad\w+|과부하\w*|перегружен\w*",
    "try again in": r"\briprova(?:re)? tra\b|\b(?:versuchen sie es|erneut) in\b"
    r"|\bréessaye[rz] dans\b|\bint[eé]nt[ae]\w* de nuevo en\b|\btente novamente em\b"
    r"|повторите через",
    "seconds": r"\bsekunden?\b|\bsecondes?\b|\bsegundos?\b|\bsecondi\b|секунд\w*|(?<=\d)초"
    r"|(?<=\d)秒",
    "minutes": r"\bminuten\b|\bminutos?\b|\bminuti\b|минут\w*|(?<=\d)분|(?<=\d)分",
    # what is wrong
    "does not exist": r"不存在|未找到|找不到|存在しま?せん|見つかりません|\bexistiert nicht\b"
    r"|\bnicht (?:gefunden|vorhanden)\b|\bn['’]existe (?:pas|plus)\b|\bintrouvable\w*"
    r"|\bno existe\b|\bnão (?:existe|(?:foi )?encontrad\w+)|\bno (?:se )?enc(?:ontr|uentr)\w+"
    r"|존재하지 않\w*|찾을 수 없\w*|не (?:найден|существует)\w*",
    "retired": r"已?下架|提供終了|\beingestellt\b|\bretirado\b|\bdescontinuad\w+|종료\w*",
    "invalid": r"无效|非法|不正确|错误的?|有误|無効|不正な|\bungültig\w*|\binvalides?\b"
    r"|\binválid\w+|\bno (?:es )?válid\w+|\bnon valid\w+|유효하지 않\w*|잘못된|неверн\w+"
    r"|недействительн\w*",
    "expired": r"过期|到期|失效|期限切れ|\babgelaufen\w*|\bexpirée?s?\b|\bexpirad\w+"
    r"|\bcaducad\w+|만료\w*|исте[кч]\w*",
    "disabled": r"禁用|停用|封禁|冻结|锁定|注销|停服|停止されて|\bgesperrt\b|\bdeaktiviert\b"
    r"|\bdésactivé\w*|\bsuspendu\w*|\bdeshabilitad\w+|\bdesativad\w+|\bsuspendid\w+|정지\w*",
    "not supported": r"不支[持援]|サポートされて(?:い)?(?:ません|ない)|対応していません"
    r"|\bnicht unterstützt\b|\bnon (?:pris\w* en charge|supporté\w*)"
    r"|\bno (?:es |está )?(?:compatible|soportad\w+|admitid\w+)|\bnão (?:é )?suportad\w+"
    r"|지원(?:되|하)지 않\w*|не поддержива\w*|\bunterstützt kein\w*|\bne prend pas en charge\b"
    r"|\b(?:no (?:admite|acepta)|não (?:aceita|suporta)|non supporta)\b",
    "this": r"\bdies(?:e[srmn]?)?\b|\bcet(?:te)?\b|\best[ae]\b|\bquest[oa]\b|この"
    r"|\bэт(?:а|от|ой|у)\b",
    "sensitive": r"敏感",
    "violates": r"违规|违反|\bverstößt\b|\bverstoß\b|\benfreint\b|\bviole\b|\bviola\b"
    r"|\binfringe\b|위반\w*|наруша\w+",
    "blocked": r"拦截|封锁|屏蔽|ブロックされ\w*|\bblockiert\b|\bbloqué\w*|\bbloquead\w+|차단\w*"
    r"|заблокирован\w*",
}
"""English words by those of others; what holds another one comes before it."""

FOREIGN = re.compile(
    "|".join(
        f"(?P<w{number}>{words}{MORE.get(english, '')})"
        for number, (english, words) in enumerate(ENGLISH.items())
    )
)
WORDS = tuple(ENGLISH)
SPACES = re.compile(r" {2,}")

MARKS = re.compile("[\u0307\u064b-\u0652]")
"""The dot that a Turkish capital leaves behind in small letters; vowels that Arabic may omit."""

TRADITIONAL = str.maketrans(
    "額餘儲帳號費請過頻無效權錯誤鑰證驗後試務載負長內審違規達數據戶時間當線連絕訪問應資產關閉"
    "開啟參該對話碼點擁擠種單暫購買統維護斷總級從為沒與這個來讓輸圖檔詞調選擇稱轉續縮減類衝裝"
    "運營計員給組認識於賬鎖範圍幣鍵詢執換滿條劃遠標簽術備設註冊異機構處尋終傳遞聯係網絡協議檢"
    "測視頁項預領願",
    "额余储帐号费请过频无效权错误钥证验后试务载负长内审违规达数据户时间当线连绝访问应资产关闭"
    "开启参该对话码点拥挤种单暂购买统维护断总级从为没与这个来让输图档词调选择称转续缩减类冲装"
    "运营计员给组认识于账锁范围币键询执换满条划远标签术备设注册异机构处寻终传递联系网络协议检"
    "测视页项预领愿",
)
"""Chinese letters of the long form, as the short form has them."""

KANA = re.compile("[\u3040-\u30ff]")
"""Letters of Japanese alone, which shares some of those."""

ANOTHER = re.compile(
    r"[^\W\x00-\x7f]|\b(?:das|de|del|della|der|des|di|el|est|fue|guthaben|il|insuficiente|ist|la"
    r"|las|le|les|los|modelo|nicht|pas|pour|riprova|saldo|solde|su|tu|una?|une|vom|votre|wurde"
    r"|bitte|ihre?|non (?:esiste|support\w+|trovat\w+|valid\w+)|sie|tropp[eio]|unsere|viele|zu"
    r"|aan|beban|bestaat|bulunamad\w+|d(?:eze|it)|een|geen|het|istek|jest|kota|limiet|limiti"
    r"|melebihi|neexistuje|nepodporuje|nie|niet|niewystarczaj\w+|ongeldige?|onvoldoende|opnieuw"
    r"|over(?:belast|schreden)|permintaan|przekroczon\w+|te (?:lang|veel)|tekrar|telah|terlalu"
    r"|tidak|uw|veel|verzoek\w*|yetersiz|zbyt)\b"
)
"""What shows that a text is in another language: a letter that English has not, a small word."""

MAX_CHARACTERS = 600


def in_english(text: str) -> str:
    """The beginning of a text in small letters with the words that are known in English; empty if
    it is English."""
    text = MARKS.sub("", text[:MAX_CHARACTERS])
    if ANOTHER.search(text) is None:
        return ""
    return SPACES.sub(" ", FOREIGN.sub(_english, simplified(text) or text)).strip()


def simplified(text: str) -> str:
    """A text in Chinese letters of the long form in those of the short form; empty if it has none
    of them, or is no Chinese."""
    if text.isascii() or KANA.search(text):
        return ""
    short = text.translate(TRADITIONAL)
    return short if short != text else ""


def _english(found: re.Match[str]) -> str:
    return f" {WORDS[int((found.lastgroup or 'w0')[1:])]} "
