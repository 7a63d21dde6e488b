/**
 * Words by which names are told from other capitalised words: titles, what stands before and behind names, street
 * types, company forms, nationalities, religions and parties. Written from general knowledge, not from a corpus.
 *
 * @module
 */

/** Words that begin sentences, days, months and other capitalised words that name nobody. Lower case. */
export const STOP_WORDS = `
a about above after again all also although am an and another any anyone are as at be because been before being below
between both but by can cannot could did do does doing done down during each either every everyone few first for from
further get give go had has have having he hello her here hers hey hi him his how however i if im in into is it its just
last let like many maybe me more most much must my neither never new next no nobody nor not now of off ok okay on once
one only or other our ours out over own please put same second several shall she should since so some someone still such
take tell than thank thanks that the their theirs them then there therefore these they this those though through thus to
today tomorrow tonight too under until up upon us use very was we well were what when where whether which while who whom
whose why will with within without would yes yesterday yet you your yours
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec
internet web email ai api url http https html json xml pdf sql css id tv pc gpt chatgpt javascript typescript
python java linux unix windows android ios mac iphone docker kubernetes git github
dear sir madam mister regards sincerely welcome good morning afternoon evening night sorry congratulations happy merry
christmas easter birthday god lord bible street road avenue note example question answer step part chapter section page
table figure version user assistant system input output task write create make find show explain describe list name
phone number address date time age city state country zip code card account bank visa mastercard amex ssn iban
`;

/** Titles before a name, lower case, without a full stop. */
export const TITLES = new Set(
  (
    "mr mrs ms mx miss dr prof professor doctor sir madam madame lady lord rev reverend fr father sister brother capt " +
    "captain lt sgt sergeant col colonel gen general maj major president senator governor judge justice officer " +
    "detective chancellor minister dame rabbi imam pastor mister herr frau monsieur mme mlle señor señora señorita sr " +
    "sra srta don doña dom dona signor signora signorina dott dhr mevrouw mw pan pani hr fru uncle aunt auntie grandma grandpa king queen prince princess pope saint"
  ).split(" "),
);

/** Titles that are reported as such: those that say nothing but how a person is addressed. */
export const FORMS_OF_ADDRESS = new Set(
  "mr mrs ms mx miss dr prof sir madam madame mister herr frau monsieur mme mlle señor señora señorita sr sra srta rev doctor professor".split(
    " ",
  ),
);

/** Between the parts of one name. */
export const PARTICLES = new Set(
  "de del della der den di da do dos das du la le van von vom zu zum zur ten ter af av al el bin ibn ben bint y e st".split(
    " ",
  ),
);

/** Behind a name. */
export const NAME_SUFFIX = /^(?:jr|sr|ii|iii|iv|phd|md|dds|dvm|esq|mba|cpa|rn)$/i;

/** A pattern of what stands before, as one that is matched backwards from there. */
export function ending(pattern: RegExp): RegExp {
  return new RegExp(`(?<=${pattern.source.slice(0, -1)})`, "y");
}

/** Whether a text ends with what a pattern of {@link ending} is for: its time does not depend on the text's length. */
export function endsWith(text: string, pattern: RegExp): boolean {
  pattern.lastIndex = text.length;
  return pattern.test(text);
}

/** Before a name: whatever is capitalised behind it is one. Matched at the end of the text before, in small letters. */
export const SURE_NAME = ending(
  /(?:\bcalls? me|\bname(?:'s| is| was|s are)?[:?]?|\bnamed|\bcalled|\bdear|\bi am|\bi['’]m|\bthis is|\bit['’]s|\bregards,?|\bsincerely,?|\bthanks,?|\bcheers,?|\byours(?: truly)?,?|\bsigned(?: by)?:?|\bcustomer:?|\bpatient:?|\bclient:?|\bemployee:?|\bcontact:?|\bholder:?|\bmy (?:wife|husband|son|daughter|brother|sister|friend|mother|father|boss|colleague|neighbou?r|doctor|teacher|manager)(?: is|,)?|\bhi|\bhey|\bhello|\battn:?|\bauthor:?|\bfrom:|\bto:)\s*$/,
);

/** Before a name: a word that people are the object of. */
export const LIKELY_NAME = ending(
  /(?:\bwith|\bto|\bby|\bfor|\bask(?:ed)?|\btell|\btold|\bcall|\bemail|\bmet|\bmeet|\band|\bor|\bsaid|\bsays|\bsee|\bmarried|\bknow|\bfriend|\bfrom|\bthat|\bis|\bwas|\bbecause|\bwhen|\blike|\bdid|\bdoes|\bunder|\badd|\bhas|\binvited?|\bmiss|\blove[sd]?|[—–:("“,-])\s*$/,
);

/** Before a name: words that only people's names follow. */
export const PEOPLE_ONLY = ending(
  /\b(?:says|said|starring|told|asked|married|call(?:s|ed)? me|directed by|written by|played by|sung by|(?:my|his|her|their|our) (?:kid|son|daughter|wife|husband|brother|sister|friend|boss|mother|father|uncle|aunt|cousin|girlfriend|boyfriend))\s$/,
);

/** Behind a name: what people do. */
export const PERSON_DOES =
  /^(?:['’]s?\b|,? (?:who|said|says|told|asked|wrote|writes|called|calls|lives?|lived|works?|worked|was|is|has|had|wants?|will|would|can|could|went|came|thinks?|thought|likes?|loves?|speaks?|plays?|played|joined|moved|born|and)\b)/;

/** Behind a name: what nobody but people do. */
export const ONLY_PEOPLE_DO =
  /^(?:,? (?:who|said|says|told|asked|wrote|writes|lives|lived|works|spent|began|had given|gave|shouted|whispered|replied|went|came|thinks?|thought|likes?|loves?|speaks?|married|smiled|laughed|wants|hates?|died|studied|studies|teaches|taught|walked|sat|stood|knows?|knew)\b)/;

/** Before a place. */
export const AT_PLACE = ending(
  /(?:\bin|\bfrom|\bto|\bat|\bnear|\baround|\bof|\bvisit(?:ed|ing)?|\bvia|\btoward?s?|\bthrough|\bacross|\boutside|\binside|\bleft|\breach(?:ed)?|\bcity:?|\btown:?|\bcountry:?|\bstate:?|\blocation:?|\bborn in|\bbetween|\bthroughout|\bdowntown|\bcentral|\b(?:north|south|east|west)(?:ern)?)\s*$/,
);

/** Before an organisation. */
export const AT_ORGANISATION = ending(
  /(?:\bwork(?:s|ed|ing)? (?:at|for|with)|\bemployed (?:by|at)|\bemployer:?|\bjoin(?:s|ed|ing)|\b(?:ceo|cto|cfo|founder|president|director|employee|manager|owner|chairman|head|board|shares|stock|products|customers?) (?:of|at)|\bcompan(?:y|ies)(?: is| called| named|:)?|\borgani[sz]ation(?: is|:)?|\bfirm|\bacquired(?: by)?|\bbusiness|\bhired by|\binterview (?:at|with)|\bjob at|\binvest(?:ed)? in|\bpartner(?:ed|ship)? with|\b(?:year|years|months|internship|career) at|\b(?:later )?became|\b(?:address|website|office|offices|headquarters) of|\bsupport(?:ing)?)\s*$/,
);

/** Behind an organisation: what firms do and have. */
export const ORGANISATION_DOES =
  /^(?:['’]s? (?:office|headquarters|shares|stock|customers|employees|website|products?)\b| (?:office|offices|headquarters|shares|stock|employees|customers|website|app|executives?|spokes(?:man|woman|person))\b|,? (?:is|was) an? (?:[a-z-]+ ){0,3}(?:company|agency|firm|corporation|startup|start-up|bank|provider|manufacturer|retailer|maker|organi[sz]ation|nonprofit|charity|conglomerate|brand|multinational)\b| (?:announced|launched|acquired|invested|released|reported|hired|recruits?|has (?:opened|announced|acquired|launched))\b)/;

/** The last word of an organisation's name. */
export const ORG_SUFFIX =
  /^(?:inc|llc|llp|ltd|limited|corp|corporation|incorporated|plc|gmbh|ag|kg|kgaa|ohg|ug|se|oy|oyj|ab|as|a\/s|aps|sarl|sas|pty|pte|kft|zrt|co|company|group|holdings?|bank|university|college|institute|hospital|clinic|school|academy|foundation|association|agency|authority|committee|council|ministry|church|museum|library|partners|associates|enterprises|industries|technologies|solutions|systems|services|consulting|logistics|pharmaceuticals?|labs|laboratories|studios?|media|records|airlines|airways|motors|electronics|communications|insurance|capital|ventures|stores?|restaurants?|hotels?|sons|brothers|bros|times|news|post|party|union|federation|league|club|fc|society|department|bureau|commission|corps|sa|nv|bv|hb|spa|srl|lda|ltda|cie|cia|eirl|doo|sro)$/i;

/** A company's form with full stops, or behind a comma: matched at the start of what follows the name. */
export const ORG_TAIL =
  /^(?:,? (?:Inc|LLC|Ltd|Corp|LLP|PLC|GmbH|S\.A\.?|S\.L\.?|A\.C\.|S\.r\.l\.?|S\.p\.A\.?|Lda|Ltda|Tic|A\.Ş|[jds]\.(?:[dr]\.)?o\.o\.?|d\.d|a\.s\.?|k\.s\.|v\.o\.s|sp\. z ?o\.o\.?|e\.V|e\.K|Sp\.|Kft|Bt|Zrt|Nyrt|Oyj?|ApS|A\/S|I\/S|AS|ASA|HB|KB|AG|KG|OHG|SA|SARL|SAS|Sàrl|NV|BV|V\.O\.F|C\.V|Pty)(?![\p{L}\p{N}])\.?|,? (?:and|&|y|e|et|und|och|og) (?:Sons|Brothers|Partners|Associates|Co|Söhne|Fils|Filhos|Hijos|Cie|Søn|Sønner|Asociados|Associados)(?!\p{L})\.?(?: (?:ApS|A\/S|AB|AS|KG|GmbH)(?!\p{L}))?)/u;

/** Endings of towns' names. */
export const TOWN_ENDING =
  /.(?:town|ton|ville|burgh|burg|borough|bury|ford|shire|mouth|side|view|haven|land|port|chester|fort|furt|stad|stadt|berg|dorf|hausen|heim|wijk|dijk|berge|hagen|sund|vik|köping|ing(?:en|ham)|ham|worth|field|wick|minster|ow|ice|owice|ovo|grad|polis|pur|abad|nagar)$/;

/** Before a town's name, as a part of it. */
export const TOWN_HEAD = new Set(
  "north south east west new port lake saint st mount mt fort san santa los las el upper lower great little northern southern eastern western bad sankt".split(
    " ",
  ),
);

/** Directly before a place, and hardly before anything else that is capitalised. */
export const IN_PLACE = ending(
  /(?:^|[\s(])(?:in|near|around|downtown|born in|lives? in|living in|moved to|flight (?:from|to)|fly to|flew to|returned to|arrived (?:at|in)|originally from|based in|moved here from|grew up in|travel(?:l?ed|l?ing)? to|trip to|went to|comes? from|moved from|away from|capital of|mayor of|city of|town of)\s$/,
);

/** Before a place, whatever it is called: also in capitals. */
export const SURELY_PLACE = ending(
  /(?:flew to|returned to|originally from|based in|moved (?:to|here from|there from)|grew up in|lives? in|living in|born in|flight (?:from|to)|travel(?:l?ed|l?ing)? to|trip to|city of|town of|home ?town(?: is)?|home city)\s$/,
);

/** Suffixes that need no second look: hardly a person's or a place's. */
export const ORG_FORM =
  /^(?:inc|llc|llp|ltd|limited|corp|corporation|incorporated|plc|gmbh|ag|kg|kgaa|ohg|s\.a|s\.r\.l|s\.p\.a|b\.v|n\.v|oy|oyj|ab|aps|sarl|sas|pty|pte|kft|zrt|s\.r\.o|co|company|group|holdings?)$/i;

/** The first word of an organisation's name, before «of». */
export const ORG_HEAD =
  /^(?:university|bank|ministry|department|institute|college|bureau|church|museum|academy|school|board|council|house|office)$/i;

/** Organisations by one word, lower case. */
export const ORGANISATIONS = `
google microsoft amazon facebook twitter netflix ibm intel nvidia oracle cisco adobe salesforce sap siemens bosch
volkswagen bmw audi daimler porsche renault peugeot fiat ferrari toyota honda nissan mazda hyundai kia samsung sony
panasonic toshiba hitachi huawei xiaomi lenovo alibaba tencent baidu tiktok uber airbnb lyft spotify paypal ebay tesla
spacex walmart ikea nestle unilever pepsico starbucks mcdonalds novartis pfizer roche bayer astrazeneca sanofi
moderna merck boeing airbus lufthansa ryanair exxonmobil chevron shell bp totalenergies gazprom accenture deloitte kpmg
pwc mckinsey citigroup jpmorgan hsbc barclays santander ubs openai anthropic deepmind linkedin youtube whatsapp instagram
reddit zoom slack dropbox vodafone verizon comcast disney nbc cnn bbc reuters nasa fbi cia nsa nato unesco unicef interpol
nhs irs harvard stanford mit yale princeton oxfam greenpeace telefonica ericsson nokia philips adidas nike puma fedex ups
dhl costco safeway carrefour tesco aldi lidl citibank hewlett-packard motorola qualcomm yahoo wikipedia mozilla
`;

/** Names of places that the lists of cities and countries lack. */
export const PLACE_WORDS = `
usa uk uae ussr eu england scotland wales britain great_britain america north_america south_america latin_america europe
asia africa antarctica australia oceania scandinavia balkans holland nyc la sf dc washington_dc new_york new_york_city
manhattan brooklyn queens bronx harlem hollywood silicon_valley los_angeles san_francisco u.s. u.s.a. u.k. czechia türkiye
turkey catalonia bavaria tuscany sicily sardinia corsica normandy brittany provence andalusia crimea siberia quebec ontario
czech_republic south_korea north_korea ivory_coast cape_verde burma swaziland macedonia east_timor viet_nam
alberta british_columbia nova_scotia new_south_wales queensland tasmania hong_kong middle_east far_east east_asia
`;

/** Nationalities, peoples, religions, parties: `pii.group`. Lower case. */
export const GROUPS = `
afghan afghani chechen greenlander tatar faroese english afrikaner african albanian algerian american andorran angolan arab arabian argentine argentinian armenian asian australian
austrian azerbaijani bahamian bahraini bangladeshi barbadian basque belarusian belgian belizean beninese bhutanese bolivian
bosnian brazilian briton british bruneian bulgarian burmese burundian cambodian cameroonian canadian catalan chadian chilean
chinese colombian congolese croat croatian cuban cypriot czech danish dane dominican dutch dutchman ecuadorian egyptian
emirati eritrean estonian ethiopian european fijian filipino filipina finn finnish flemish frenchman french gabonese gambian
georgian german ghanaian greek grenadian guatemalan guinean guyanese haitian hispanic honduran hungarian icelandic
icelander indian indonesian iranian iraqi irish irishman israeli italian ivorian jamaican japanese jordanian kazakh kenyan
korean kosovar kurdish kuwaiti kyrgyz lao laotian latino latina latvian lebanese liberian libyan lithuanian
luxembourgish macedonian malagasy malawian malaysian maldivian malian maltese mauritanian mauritian mexican moldovan
monegasque mongolian montenegrin moroccan mozambican namibian nepalese nepali nicaraguan nigerian nigerien norwegian omani
pakistani palestinian panamanian paraguayan persian peruvian pole polish portuguese qatari romanian russian rwandan
salvadoran samoan saudi scot scottish scotsman senegalese serb serbian serbo-croatian singaporean slovak slovakian slovene
slovenian somali spaniard spanish sudanese surinamese swede swedish swiss syrian taiwanese tajik tanzanian thai tibetan
tongan trinidadian tunisian turk turkish turkmen ugandan ukrainian uruguayan uzbek venezuelan vietnamese welsh welshman
yemeni yugoslav zambian zimbabwean englishman
americans australians austrians belgians brazilians canadians chileans colombians cubans egyptians europeans filipinos
finns germans greeks hungarians indians indonesians iranians iraqis israelis italians jamaicans kenyans koreans mexicans
moroccans nigerians norwegians pakistanis palestinians persians peruvians poles romanians russians serbs spaniards swedes
syrians thais tunisians turks ukrainians venezuelans arabs africans asians hispanics latinos kurds brits scots danes croats
christian christians catholic catholics protestant protestants orthodox muslim muslims jew jews jewish hindu hindus buddhist
buddhists sikh sikhs mormon mormons lutheran anglican baptist methodist evangelical presbyterian pentecostal quaker amish
islamic sunni shia shiite atheist atheists agnostic taoist jain jainist bahai zoroastrian rastafarian christianity islam
judaism hinduism buddhism sikhism
democrat democrats democratic republican republicans gop libertarian libertarians communist communists socialist
socialists marxist fascist nazi tory tories labour liberal conservative
`;

/** The kind of street, behind its name. Lower case, longest forms and the Postal Service's abbreviations. */
const STREET_WORDS = `
alley ally anex annex arcade avenue ave av bayou beach bend bluff bluffs bottom boulevard blvd branch bridge brook brooks
burg bypass camp canyon cape causeway center centre centers circle circles cir cliff cliffs close club common commons
corner corners course court courts ct cove coves creek crescent cres crest crossing crossroad crossroads curve dale dam
divide drive drives dr esplanade estate estates expressway expy extension extensions fall falls ferry field fields flat
flats ford fords forest forge forges fork forks fort freeway fwy garden gardens gateway glen glens green greens grove
groves harbor harbors harbour haven heights highway hwy hill hills hollow inlet island islands isle junction junctions key
keys knoll knolls lake lakes land landing lane lanes ln light lights loaf lock locks lodge loop mall manor manors meadow
meadows mews mill mills mission motorway mount mountain mountains neck orchard oval overpass park parks parkway parkways
pkwy pass passage path pike pine pines place pl plain plains plaza plz point points port ports prairie radial ramp ranch
rapid rapids rest ridge ridges river road roads rd route row rue run shoal shoals shore shores skyway spring springs spur
spurs square squares sq station stravenue stream street streets st summit terrace ter throughway trace track trafficway
trail trl trailer tunnel turnpike underpass union unions valley valleys via viaduct view views village villages ville vista
walk walks wall way ways well wells
`;

export const STREET_TYPES = new Set(STREET_WORDS.split(/\s+/).filter((word) => word !== ""));

/** The kind of street before its name, in languages that put it there. */
export const STREET_HEAD =
  "(?:[Cc]ircuito|[Aa]ndador|[Pp]rivada|[Cc]allejón|[Pp]rolongación|[Cc]alzada|[Vv]iaducto|[Cc]anale|[Cc]ontrada|[Bb]orgo|[Șş]oseaua|[Ss]oseaua|[Ii]ntrarea|[Ss]plaiul|[Pp]arque|[Jj]ardim|[Aa]lameda|[Vv]iela|[Ee]splanada|[Uu]rbanización|[Gg]lorieta|[Pp]asaje|[Cc]uesta|[Aa]cceso|[Rr]ambla|[Cc]añada|[Cc]hácara|[Rr]ue|[Aa]v(?:\\.|enue|enida|da\\.?)?|[Bb](?:oulevar)?d\\.?|[Pp]lace|[Aa]llée|[Cc]hemin|[Ii]mpasse|[Rr]oute|[Qq]uai|[Cc]ours|[Vv]ia|[Vv]iale|[Pp]iazza(?:le)?|[Cc]orso|[Vv]icolo|[Ll]argo|[Ss]trada|[Cc]alle|C/|[Cc]arrer|[Cc]arretera|[Cc]amino|[Pp]aseo|[Pp]laza|[Rr]onda|[Rr]úa|[Rr]ua|[Tt]ravessa|[Pp]raça|[Ee]strada|[Rr]odovia|[Uu]l\\.|[Uu]lica|[Uu]lice|[Aa]l\\.|[Oo]s\\.|[Pp]l\\.|[Ss]tr\\.|[Ss]trada|[Aa]leea|[Bb]ulevardul|[Jj]alan|[Jj]l\\.|[Uu]litsa)";

/** Endings of words that are streets, in the Germanic, Scandinavian, Finnish and Hungarian way. */
export const STREET_ENDING =
  "(?:stra(?:ss|ß)e|-Stra(?:ss|ß)e|-(?:Gasse|Weg|Platz|Allee|Ring|Damm|Ufer)|str\\.|strasse|baan|ring|markt|bulevardi|gasse|weg|platz|allee|damm|ufer|steig|straat|laan|plein|kade|gracht|dijk|singel|hof|vägen|väg|gatan|gata|gränd|vej|vejen|gade|gaden|stræde|allé|veien|vei|gate|gaten|katu|tie|kuja|polku|vegur|braut)";

/** Words that are streets behind a name, in languages that write them small. */
export const STREET_AFTER =
  "(?:utca|útja|Allé|Vej|Vägen|u\\.|út|útja|tér|köz|caddesi|cad\\.|sokak|sok\\.|gatan|vägen|väg|gata|vej|gade|katu|tie|straat|laan|weg|plein|Straße|Strasse|Str\\.|Weg|Platz|Allee|Gasse)";
