"""Words of errors in eight further languages, and Italian ones that `languages` has not."""

from __future__ import annotations

from collections.abc import Mapping

MORE: Mapping[str, str] = {
    "api key": r"|\bapi[ -]?anahtar\w*|\banahtar\w*|\bklucz\w* (?:do )?api|\bapi[ -]?sleutel\w*"
    r"|مفتاح (?:الـ? ?)?(?:api|واجهة\w*)|\bkhóa api|\bapi key \w*nya|\bkunci api"
    r"|\bключ\w* api|(?:\bapi )?\bklíč\w*(?: api)?",
    "context length": r"|\bbağlam (?:uzunlu\w+|penceres\w+)|\b(?:długoś\w+|okn\w+) kontekstu"
    r"|\bcontext(?:lengte|venster)\w*|(?:طول|نافذة) السياق|\b(?:độ dài"
    r"|cửa sổ) ngữ cảnh|\b(?:panjang|jendela) konteks|\bfinestra d[ie]l? contesto"
    r"|\blunghezza d[ie]l? contesto",
    "inappropriate content": r"|\buygunsuz\w*|\bnieodpowiedni\w*|\bongepast\w*|(?:محتوى )?غير لائق"
    r"|\bkhông phù hợp\b|\btidak pantas\b",
    "content filter": r"|\biçerik filtre\w*|\bfiltr\w* treści|\binhoudsfilter\w*|\bcontentfilter\w*"
    r"|(?:مرشح|فلتر) المحتوى|\bbộ lọc nội dung|\bfilter konten|\bfiltro (?:dei"
    r"|sui) contenuti|\bфільтр\w* (?:вмісту|контенту)|\bfiltr\w* obsahu",
    "content policy": r"|\b(?:içerik|kullanım|güvenlik) (?:politika|ilke|kural)\w*|\b(?:zasad\w*"
    r"|polityk\w*) (?:treści|bezpieczeństwa|użytkowania|korzystania)|\b(?:inhouds"
    r"|gebruiks|veiligheids|content)(?:beleid|richtlijn\w*)|سياس\w+ (?:المحتوى"
    r"|الاستخدام|السلامة)|\bchính sách (?:nội dung|sử dụng|an toàn)"
    r"|\bkebijakan (?:konten|penggunaan|keamanan)|\b(?:norme|politic\w+) (?:sui"
    r"|dei) contenuti|\bnorme di utilizzo",
    "rate limit": r"|\b(?:istek|hız|oran) (?:limit|sınır)\w*|\blimit\w* (?:zapytań|żądań"
    r"|szybkości)|\b(?:verzoek|snelheids)limiet\w*|حد (?:المعدل|الطلبات)"
    r"|\bgiới hạn (?:tốc độ|yêu cầu)|\bbatas (?:laju|permintaan|kecepatan)"
    r"|\bліміт\w* запит\w+",
    "authentication failed": r"|\bkimlik doğrulama\w* (?:başarısız|hata)\w*|\b(?:błąd"
    r"|nieudan\w+) (?:uwierzytelni\w+|autoryzacji)"
    r"|\buwierzytelni\w+ nie powiodło się|\bverificatie mislukt"
    r"|\bauthenticatie\w* mislukt|فشل\w* (?:المصادقة|التحقق)|\bxác thực (?:thất bại"
    r"|không thành công)|\bautentikasi gagal|\bпомилка автентифікації",
    "no access to": r"|\berişim (?:izniniz|yetkiniz|hakkınız) (?:yok|bulunm\w+)|\bbrak dostępu do\b"
    r"|\bnie masz dostępu do\b|\bgeen toegang tot\b|ليس لديك (?:حق الوصول"
    r"|صلاحية\w*)(?: إلى)?|\bkhông có quyền truy cập\b|\btidak memiliki akses ke\b"
    r"|\bнемає доступу до\b",
    "temporarily unavailable": r"|\bgeçici olarak (?:kullanılam|erişilem|hizmet dış)\w+"
    r"|\btymczasowo niedostępn\w+|\btijdelijk niet beschikbaar"
    r"|غير متاح\w* (?:مؤقت\w*|حالي\w*)|\btạm thời không (?:khả dụng|hoạt động)"
    r"|\bsementara tidak tersedia|\bтимчасово недоступн\w+",
    "prohibited content": r"|\byasak\w* içerik\w*|\bniedozwolon\w+|\bzabronion\w+|\bverboden inhoud"
    r"|محتوى محظور|\bnội dung bị cấm|\bkonten terlarang|\bзаборонен\w+",
    "token": r"|\bjeton\w*|\btokenów\b|\btokeny\b|الرموز|رموز|\bmã thông báo",
    "account": r"|\bhesa[bp]\w*|\bkont(?:a|o|em|cie)\b|\baccount\w*|حساب\w*|الحساب|\btài khoản"
    r"|\bakun\b|\bобліков\w+ запис\w*|\búčt\w*",
    "model": r"|\bmodel(?:i|e|in|ini|inin|u|em|ach|y)\b|(?:ال)?نموذج\w*|\bmô hình|\bмодел\w+",
    "request": r"|\biste[kğ]\w*|\btale[pb]\w*|\bzapyta\w+|\bżąda\w+|\b(?:ai-)?verzoek\w*"
    r"|\baanvra\w+|(?:ال|ل|لل)?طلب\w*|\byêu cầu|\bpermintaan|\bзапит\w*|\bpožadav\w+",
    "tool": r"|\baraç\w*|\bnarzędzi\w*|\bhulpmiddel\w*|(?:ال)?أدا?ة|(?:ال)?أدوات|\bcông cụ",
    "parameter": r"|\bparametre\w*|\bparametr\w*|معلم\w*|\btham số",
    "function": r"|\bişlev\w*|\bfonksiyon\w*|\bfunkcj\w+|\bfuncti(?:e|es)\b|دالة|\bhàm\b"
    r"|\bfungsi\b",
    "file": r"|\bdosya\w*|\bplik\w*|\bbestand\w*|ملف\w*|\btệp\b|\bberkas\b",
    "image": r"|\bgörsel\w*|\bgörüntü\w*|\bresim\w*|\bobraz\w*|\bafbeelding\w*|صور\w*"
    r"|\bhình ảnh|\bgambar\b|\bзображен\w*|\bimmagin\w+|\bobráz\w*",
    "content": r"|\biçeri[kğ]\w*|\btreś\w*|\binhoud\w*|(?:ال)?محتوى|\bnội dung|\bkonten\b"
    r"|\bвміст\w*|\bobsah\w*",
    "input": r"|\bgirdi\w*|\bistem\w*|\bdane wejściowe|\bwejści\w*|\binvoer\w*|(?:ال)?(?:مدخل"
    r"|إدخال)\w*|\bđầu vào|\bmasukan\b|\bвведен\w*",
    "output": r"|\bçıktı\w*|\bwyjści\w*|\buitvoer\w*|مخرجات|\bđầu ra|\bkeluaran\b",
    "response": r"|\byanıt\w*|\bcevap\w*|\bodpowied\w+|\bantwoord\w*|(?:ال)?استجاب\w*|\bphản hồi"
    r"|\btanggapan\b|\bвідповід\w*",
    "context": r"|\bbağlam\w*|\bkontekst\w*|السياق|\bngữ cảnh|\bkonteks\b|\bконтекст\w*",
    "length": r"|\buzunlu\w+|\bdługoś\w+|\blengte\b|طول|\bđộ dài|\bpanjang\b|\bдовжин\w*"
    r"|\bdélk\w*",
    "service": r"|\bhizmet\w*|\bservis\w*|\busług\w*|\bdienst\w*|(?:ال)?خدم\w*|\bdịch vụ"
    r"|\blayanan\b|\bслужб\w*|\bslužb\w*",
    "server": r"|\bsunucu\w*|\bserwer\w*|(?:ال)?خادم\w*|\bmáy chủ|\bpeladen\b",
    "region": r"|\bbölge\w*|\bülke\w*|\bregion\w*|\bkraj\w*|\bregio\b|منطق\w*|دول\w*|\bkhu vực"
    r"|\bquốc gia|\bwilayah\b|\bnegara\b|\bpaese\b",
    "balance": r"|\bbakiye\w*|\bsaldo\w*|\bśrodk\w*|\btegoed\w*|رصيد\w*|الرصيد|\bsố dư"
    r"|\bzůstat\w*",
    "quota": r"|\bkota\w*|\bprzydzia\w*|حصت?\w*|الحصة|\bhạn (?:mức|ngạch)|\bkuota\w*",
    "credits": r"|\bkredi\w*|\bkredyt\w*|\bkrediet\w*|\bcrediteur\w*|\btín dụng|\bkredit\w*"
    r"|أرصدة|\bкоштів|\bcredit[oi]\b",
    "insufficient": r"|\byetersiz\w*|\byeterli\b.{0,20}\b(?:değil|yok)|\bniewystarczaj\w+|\bza mało"
    r"|\bbrak wystarczając\w+|\bonvoldoende|\bte weinig|غير كاف\w*|لا يكفي"
    r"|\bkhông đủ|\btidak (?:cukup|mencukupi)|\bнедостатн\w+|\bnedostate\w+",
    "used up": r"|\btüken\w+|\bdoldu\w*|\bwyczerpan\w+|\bskończył\w*|\bop(?:gebruikt|geraakt)"
    r"|\buitgeput\b|(?:است)?نف[اذد]\w*|\b(?:đã )?hết(?! hạn)\b|\b(?:telah )?habis\b"
    r"|\bвичерпан\w+|\bvyčerpán\w*|\besaurit\w+",
    "overdue": r"|\bvadesi geçm\w+|\bzaległ\w+|\bachterstallig\w*|متأخر\w*|\bquá hạn"
    r"|\bmenunggak\b",
    "recharge": r"|\byükleyin\b|\bdoładuj\w*|\bopwaard\w+|\bopladen\b|(?:ال)?شحن|\bnạp (?:thêm"
    r"|tiền)|\bisi ulang|\bпоповн\w+",
    "limit": r"|\blimiti\w*|\bsınır\w*|\blimit(?:u|em|y)\b|\blimiet\w*|(?:ال)?حد(?: الأقصى"
    r"| المسموح)?|\bgiới hạn|\bbatas\b|\bліміт\w*",
    "exceeded": r"|\baş(?:ıl|tı|ıyor)\w*|\bprzekroc\w+|\bprzekracz\w+|\boverschre\w+"
    r"|(?:تم )?تجاوز\w*|يتجاوز|\bvượt (?:quá|mức)?|\bmelebihi\b|\bterlampaui\b"
    r"|\bперевищ\w+|\bpřekroč\w+",
    "reached": r"|\bulaş(?:ıl|tı)\w*|\bosiągn\w+|\bbereikt\b|بلغ\w*|وصلت|\bđã đạt|\btercapai\b"
    r"|\bmencapai\b|\bдосягнут\w*",
    "resets": r"|\bsıfırlan\w+|\byenilen\w+|\bresetuje\w*|\bodnowi\w*|\bvernieuwd\b|(?:إعادة"
    r"|يعاد) (?:تعيين|ضبط)\w*|\bđặt lại|\bdiatur ulang",
    "too many": r"|\bçok (?:fazla|sık)|\bzbyt (?:wiele|dużo|często)|\bte (?:veel|vaak)"
    r"|(?:عدد )?كثير\w*(?: جد\w*)?(?: من)?|الكثير من|\bquá nhiều|\bterlalu (?:banyak"
    r"|sering)|\bзабагато|\bpříliš mnoho|\btropp[ei]\b",
    "too long": r"|\bçok uzun\w*|\b(?:zbyt|za) dług\w+|\bte lang\w*|طويل\w* جد\w*|أطول من"
    r"|\bquá dài|\bterlalu panjang|\bзадовг\w+|\bpříliš dlouh\w+|\btroppo lung\w+",
    "busy": r"|\bmeşgul\w*|\byoğun\w*|\bzajęt\w+|\bbezet\b|\bdruk bezet|مشغول\w*|\bđang bận"
    r"|\bsibuk\b|\bзайнят\w+",
    "overloaded": r"|\başırı yük\w*|\bprzeciążon\w+|\boverbelast\b|محمل\w* فوق طاقت\w*|\bquá tải"
    r"|\bkelebihan beban|\bперевантажен\w+|\bpřetížen\w*|\bsovraccaric\w+",
    "try again in": r"|\b(?:spróbuj|ponów próbę)(?: ponownie)? za\b"
    r"|\bprobeer het(?: opnieuw)? over\b|(?:حاول|المحاولة)(?: مرة)?(?: أخرى)? بعد"
    r"|\bthử lại sau\b|\bcoba lagi (?:dalam|setelah)\b"
    r"|\bспробуйте (?:ще раз )?через\b|\bzkuste to znovu za\b",
    "seconds": r"|\bsaniye\w*|\bsekund\w*|\bseconden\b|ثاني\w+|ثوان\w*|\bgiây\b|\bdetik\b",
    "minutes": r"|\bdakika\w*|\bminut(?:y|ę|ach|u)?\b|دقيق\w+|دقائق|\bphút\b|\bmenit\b"
    r"|\bхвилин\w*",
    "does not exist": r"|\bbulunam\w+|\bmevcut değil\w*|\bnie (?:istnieje|został\w* znalezion\w*"
    r"|znaleziono)|\bbestaat niet\b|\bniet gevonden\b|غير موجود\w*|لم يتم العثور\w*"
    r"|\bkhông (?:tồn tại|tìm thấy)|\btidak (?:ada|ditemukan)|\bне (?:існує"
    r"|знайдено)|\bneexistuje|\bnenalezen\w*|\bnon (?:esiste|trovat\w+)"
    r"|\bnon è stat\w+ trovat\w+",
    "retired": r"|\bkullanımdan kaldırıl\w+|\bwycofan\w*|\buitgefaseerd|\bstopgezet|تم إيقاف\w*"
    r"|\bngừng (?:hoạt động|hỗ trợ)|\bdihentikan\b",
    "invalid": r"|\bgeçersiz\w*|\bhatalı\b|\bnieprawidłow\w+|\bniepoprawn\w+|\bbłędn\w+"
    r"|\bongeldig\w*|\bonjuist\w*|غير (?:صالح|صحيح)\w*|\bkhông (?:hợp lệ|đúng)"
    r"|\btidak (?:valid|sah|benar)|\bнедійсн\w+|\bнеправильн\w+|\bneplatn\w+",
    "expired": r"|\bsüresi (?:dol|geç)\w+|\bwygas\w+|\bverlopen\b|منته\w+|\bhết hạn"
    r"|\bkedaluwarsa\b|\bkadaluarsa\b|\bзакінчи\w+|\bvypršel\w*",
    "disabled": r"|\bdevre dışı\w*|\baskıya alın\w+|\bzawieszon\w+|\bwyłączon\w+|\bopgeschort\b"
    r"|\buitgeschakeld\b|معطل\w*|موقوف\w*|تعليق\w*|\bbị (?:khóa|vô hiệu hóa"
    r"|đình chỉ)|\bdinonaktifkan\b|\bditangguhkan\b|\bвимкнен\w+|\bsospes\w+"
    r"|\bdisabilitat\w+",
    "not supported": r"|\bdesteklenm\w+|\bdesteklemi\w+|\bnie (?:jest )?(?:obsług|wspier)\w+"
    r"|\bniet ondersteund\b|\bondersteunt geen\b|غير مدعوم\w*|لا يدعم"
    r"|\bkhông (?:được )?hỗ trợ|\btidak (?:didukung|mendukung)|\bне підтримує\w*"
    r"|\bnepodporuje\w*|\bnení podporován\w*|\bnon supportat\w+",
    "sensitive": r"|\bhassas\b|\bwrażliw\w+|\bgevoelige?\b|حساس\w*|\bnhạy cảm|\bsensitif\b"
    r"|\bчутлив\w+",
    "violates": r"|\bihlal\w*|\bnarusz\w+|\bschend\w+|\bin strijd met\b|ينتهك|انتهاك\w*|مخالف\w*"
    r"|\bvi phạm|\bmelanggar\b|\bпорушу\w+|\bporušuje\b",
    "blocked": r"|\bengellen\w+|\bzablokowan\w+|\bgeblokkeerd\b|محظور\w*|(?:تم )?حظر\w*"
    r"|\bbị chặn|\bdiblokir\b|\bзаблоковано\b|\bzablokován\w*|\bbloccat\w+",
    "this": r"|\bbu\b|\bten\b|\btego\b|\btym\b|\bdit\b|\bdeze\b|\bهذ[اه]\b|\bini\b|\bцей\b"
    r"|\btento\b|이(?= 모델)",
}
"""By the English word; each list begins with the bar that joins it to `languages.ENGLISH`."""
