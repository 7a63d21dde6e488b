/**
 * Words: whether a string of letters reads like language. What is turned around, shifted or spelled with digits is
 * undone only where words come of it, so the list need not be complete, only common: function words, the vocabulary of
 * instructions, and the most frequent words of seven other languages written in Latin letters.
 *
 * For the scan of every text there is a second form, a table of hashes: a word's hash is made while its letters pass,
 * at once forwards, backwards and shifted by 13.
 *
 * @module
 */

const ENGLISH =
  "the and you that was for are with his they this have from one had word but not what all were when your can said " +
  "there use each which she how their will other about out many then them these some her would make like him into " +
  "time has look two more write see number way could people than first water been call who oil its now find long down " +
  "day did get come made may part over new sound take only little work know place year live back give most very after " +
  "thing our just name good sentence man think say great where help through much before line right too mean old any " +
  "same tell boy follow came want show also around form three small set put end does another well large must big even " +
  "such because turn here why ask went men read need land different home move try kind hand picture again change off " +
  "play spell air away animal house point page letter mother answer found study still learn should world high every " +
  "near add food between own below country plant last school father keep tree never start city earth eye light " +
  "thought head under story saw left few while along might close something seem next hard open example begin life " +
  "always those both paper together got group often run important until children side feet car mile night walk white " +
  "sea began grow took river four carry state once book hear stop without second later miss idea enough eat face " +
  "watch far really almost let above girl sometimes mountain cut young talk soon list song being leave family body " +
  "music color stand sun question fish area mark dog horse birds problem complete room knew since ever piece told " +
  "usually friends easy heard order red door sure become top ship across today during short better best however low " +
  "hours black products happened whole measure remember early waves reached listen wind rock space covered fast " +
  "several hold himself toward five step morning passed vowel true hundred against pattern numeral table north slowly " +
  "money map farm pulled draw voice seen cold cried plan notice south sing war ground fall king town unit figure " +
  "certain field travel wood fire upon done english road half ten fly gave box finally wait correct quickly person " +
  "became shown minutes strong verb stars front feel fact inches street decided contain course surface produce " +
  "building ocean class note nothing rest carefully scientists inside wheels stay green known island week less " +
  "machine base ago stood plane system behind ran round boat game force brought understand warm common bring explain " +
  "dry though language shape deep thousands yes clear equation yet government filled heat full hot check object rule " +
  "among noun power cannot able six size dark ball material special heavy fine pair circle include built matter " +
  "square perhaps bill felt suddenly test direction center ready anything divided general energy subject europe moon " +
  "region return believe dance members picked simple cells paint mind love cause rain exercise eggs train blue wish " +
  "drop developed window difference distance heart sit sum summer wall forest probably legs sat main winter wide " +
  "written length reason kept interest arms brother race present beautiful store job edge past sign record finished " +
  "discovered wild happy beside gone sky glass million west lay weather root instruments meet third months paragraph " +
  "raised represent soft whether clothes flowers shall teacher held describe drive cross speak solve appear metal son " +
  "either ice sleep village factors result jumped snow ride care floor hill pushed baby buy century outside everything " +
  "tall already instead phrase soil bed copy free hope spring case laughed nation quite type themselves temperature " +
  "bright lead everyone method section lake consonant within dictionary hair age amount scale pounds although per " +
  "broken moment tiny possible gold milk quiet natural lot stone act build middle speed count cat someone sail rolled " +
  "bear wonder smiled angle fraction africa killed melody bottom trip hole poor fight surprise french died beat exactly " +
  "remain dress iron fingers row least catch climbed wrote shouted continued itself else plains gas england burning " +
  "design joined foot law ears grass grew skin valley cents key president brown trouble cool cloud lost sent symbols " +
  "wear bad save experiment engine alone drawing east pay single touch information express mouth yard equal decimal " +
  "yourself control practice report straight rise statement stick party seeds suppose woman coast bank period wire " +
  "choose clean visit bit whose received garden please strange caught fell team god captain direct ring serve child " +
  "desert increase history cost maybe business separate break uncle hunting flow lady students human art feeling " +
  // The vocabulary of instructions to a machine, and of what must not come of them.
  "ignore ignores ignored ignoring disregard disregarding forget override overriding bypass bypassing previous prior " +
  "earlier preceding instruction instructions instructed guideline guidelines rules policy policies prompt prompts " +
  "system assistant user developer mode jailbreak dan reveal revealing print output repeat display respond response " +
  "responses reply message messages conversation context role roleplay pretend pretending acting persona character " +
  "unrestricted restriction restrictions restricted limitation limitations filter filters filtered censored uncensored " +
  "ethical ethics moral safety security secure unsafe secret secrets confidential hidden password passwords token " +
  "tokens credential credentials api keys admin administrator access root shell command commands execute executing " +
  "run script code function program software model language chatgpt gpt openai anthropic claude gemini llama bot " +
  "artificial intelligence train trained training data document documents text email emails send sending forward " +
  "mail address attacker attack hack hacker hacking malware virus exploit exploits weapon weapons bomb explosive drug " +
  "drugs illegal harmful dangerous violence violent kill murder suicide steal stealing fraud phishing credit card bank " +
  "account accounts number numbers private personal details server url link image click download upload file files " +
  "delete deleting remove database query summary summarize translate translation decode decoded encode encoded base " +
  "following above below verbatim word words exactly important urgent immediately begin start starting now henceforth " +
  "onwards anymore longer allowed permitted required obey comply compliance refuse refusing refusal apologize warning " +
  "warnings disclaimer disclaimers answer answers questions request requests requested task tasks tool tools internal " +
  "initial original entire full everything anything nothing without never always any else instead make makes making " +
  "write writing create creating generate generating provide providing give giving tell telling show showing explain " +
  "explaining describe detailed step steps guide tutorial recipe instructional hypothetical scenario story fictional " +
  "fiction game simulate simulation simulated opposite evil freedom free break breaking broken rules enabled enable " +
  "disable disabled activate activated debug debugging developer privileges privileged elevated authorized " +
  "unauthorized permission permissions bypassed protocol protocols configuration config settings setting parameter " +
  "parameters version latest update updated hello world thanks thank sorry sure okay welcome dear best regards meeting " +
  "company customer service support product order payment invoice review website page content contents information";

/** German, French, Spanish, Italian, Portuguese, Dutch and Polish; letters with marks are left out with their words. */
const OTHERS =
  "der die das und ist nicht mit den von sie ich ein eine auf auch wie bitte alle anweisungen ignoriere ignorieren " +
  "vorherigen vorherige regeln passwort geheim jetzt dein deine deinen kein keine oder aber wenn werden wird haben " +
  "sind antworte antwort schreibe zeige vergiss systemprompt anleitung les des une est pas que qui dans pour sur avec " +
  "vous nous mais tout tous toutes ignorez ignorer instructions consignes maintenant votre vos cette sont par plus " +
  "passe affiche affichez oublie oubliez secret los las una por con para como pero todas todos ignora instrucciones " +
  "anteriores ahora eres muestra sistema olvida reglas secreto clave dime sin del este esta son gli che non per una " +
  "sono della delle tutte tutti istruzioni precedenti adesso mostra dimentica regole segreto parola questo questa uma " +
  "nao com dos das seu sua voce ignore todas instrucoes anteriores agora mostre esqueca regras senha het een van niet " +
  "dat zijn voor met aan alle negeer instructies vorige regels wachtwoord geheim toon vergeet nie jest sie oraz tak " +
  "zignoruj wszystkie poprzednie instrukcje teraz podaj";

const WORDS: ReadonlySet<string> = new Set(`${ENGLISH} ${OTHERS}`.split(" ").filter((word) => word.length > 2));

/** Whether a lower-case string of ASCII letters is one of the words. */
export function isWord(letters: string): boolean {
  return WORDS.has(letters);
}

/** The longest of the words, in letters. */
export const LONGEST_WORD = 14;

/** The step of the hash of a word by its letters, each 1 to 26 (A and a alike). */
export const HASH_STEP = 31;
const HASH_BITS = 17;

/** By hash: whether a word may have it. One in some ninety of all other hashes looks like a word's. */
export const WORD_HASHES: Uint8Array = hashTable();

/** Where a hash lies in {@link WORD_HASHES}. */
export function hashSlot(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - HASH_BITS);
}

function hashTable(): Uint8Array {
  const table = new Uint8Array(1 << HASH_BITS);
  for (const word of WORDS) {
    let hash = 0;
    for (let at = 0; at < word.length; at++) hash = (Math.imul(hash, HASH_STEP) + (word.charCodeAt(at) & 31)) | 0;
    table[hashSlot(hash)] = 1;
  }
  return table;
}

/** How much of a text reads like language. */
export interface Reading {
  /** Strings of three and more letters. */
  readonly strings: number;
  /** Those that are words. */
  readonly words: number;
  /** The letters of those. */
  readonly letters: number;
}

/** Counts the words among the strings of ASCII letters of a text. */
export function readWords(text: string): Reading {
  let strings = 0;
  let words = 0;
  let letters = 0;
  for (const [string] of text.toLowerCase().matchAll(/[a-z]{3,40}/g)) {
    strings++;
    if (!WORDS.has(string)) continue;
    words++;
    letters += string.length;
  }
  return { strings, words, letters };
}

/** A text of this many units of letters is split by {@link splitWords}; a longer one is no run of words. */
export const LONGEST_SPLIT = 1024;

/**
 * Where the words begin in lower-case letters that stand together, `ignoreallprevious`; `undefined` where too much of
 * it is none of the words.
 */
export function splitWords(letters: string): readonly number[] | undefined {
  const length = letters.length;
  // The cheapest way to each place: a word costs 2 (3 when short), a letter that belongs to none costs 4.
  const cost = new Int32Array(length + 1).fill(0x7fffffff);
  const back = new Int32Array(length + 1);
  cost[0] = 0;
  for (let at = 0; at < length; at++) {
    const here = cost[at] as number;
    if (here + 4 < (cost[at + 1] as number)) {
      cost[at + 1] = here + 4;
      back[at + 1] = at;
    }
    for (let size = 1; size <= LONGEST_WORD && at + size <= length; size++) {
      const word = letters.slice(at, at + size);
      const known = size > 2 ? WORDS.has(word) : SHORT.has(word);
      const price = here + (size > 3 ? 2 : 3);
      if (known && price < (cost[at + size] as number)) {
        cost[at + size] = price;
        back[at + size] = at;
      }
    }
  }
  const starts: number[] = [];
  let strays = 0;
  for (let at = length; at > 0; at = back[at] as number) {
    const from = back[at] as number;
    const stray = at - from === 1 && !SHORT.has(letters.slice(from, at));
    if (stray) strays++;
    // Letters that belong to no word stay together.
    const before = back[from] as number;
    const joins = stray && from > 0 && from - before === 1 && !SHORT.has(letters.slice(before, from));
    if (!joins) starts.push(from);
  }
  return strays * 8 > length || starts.length * 3 > length ? undefined : starts.toReversed();
}

/** All words that are known. */
export function knownWords(): Iterable<string> {
  return WORDS;
}

/** Whether lower-case letters are a word of one or two. */
export function isShortWord(letters: string): boolean {
  return SHORT.has(letters);
}

/** Words that only count beside others. */
const SHORT: ReadonlySet<string> = new Set(
  "a i of to in is it on at as be by or an my me we he if do go no so up us am ai ok".split(" "),
);
