// Rows of expansions: what a word is, and what comes of it.

/// The variables that every row sees.
enum WordTable {
    static let values: [String: String] = [
        "HOST": "db.local", "EMPTY": "", "LIST": "one two  three", "FILE": "archive.tar.gz",
        "PATHS": "/opt/bin:/usr/bin",
        "N1": "7", "ÜBER": "umlaut", "REF": "HOST", "QUOTED": "say \"hi\"", "STAR": "a*b?c", "LINES": "first\nsecond",
        "DEEP": "x/y/z", "REPEAT": "aaaa", "BRACE": "a}b", "SLASH": "a/b", "1": "positional", "BACK": "a\\b",
        "_": "underscore", "a": "lower",
    ]

    /// Word and text, in pairs; `!` before what a mistake says.
    static let rows: [(word: String, text: String)] =
        plain + quotes + escapes + substitutions + messages + prefixes + suffixes + replacements + mistakes

    private static let plain: [(word: String, text: String)] = [
        ("", ""), ("plain", "plain"), ("two words", "two words"), ("$HOST", "db.local"), ("${HOST}", "db.local"),
        ("<$HOST>", "<db.local>"), ("$HOST:5432", "db.local:5432"), ("${HOST}name", "db.localname"), ("$HOSTname", ""),
        ("$NOBODY", ""), ("a${NOBODY}b", "ab"), ("$EMPTY", ""), ("[$EMPTY]", "[]"), ("$HOST$HOST", "db.localdb.local"),
        ("$", "$"), ("a$", "a$"), ("$ a", "$ a"), ("$.x", "$.x"), ("$/", "$/"), ("$)", "$)"), ("%$%", "%$%"),
        ("$1", "positional"), ("$1x", "positionalx"), ("$11", ""), ("$1a1", "positionala1"), ("${1}", "positional"),
        ("$0", ""), ("$@", ""), ("$*x", "x"), ("$#", ""), ("$?", ""), ("$-", ""), ("$$", ""), ("$$HOST", "HOST"),
        ("$!", ""), ("${@}", ""), ("$_", "underscore"), ("$a", "lower"), ("$A", ""), ("$ÜBER", "umlaut"),
        ("${ÜBER}!", "umlaut!"), ("$N1", "7"), ("$N1.$N1", "7.7"), ("$HOST-$N1", "db.local-7"),
        ("$LIST", "one two  three"),
        ("{HOST}", "{HOST}"), ("}$HOST{", "}db.local{"), ("日本$HOST。", "日本db.local。"), ("$REF", "HOST"),
        ("a\tb", "a\tb"), ("a\nb", "a\nb"), ("$LINES", "first\nsecond"), ("<<EOF", "<<EOF"), ("a < b", "a < b"),
        ("<<  EOF", "<<  EOF"),
    ]

    private static let quotes: [(word: String, text: String)] = [
        ("'$HOST'", "$HOST"), ("\"$HOST\"", "db.local"), ("'a'\"b\"c", "abc"), ("''", ""), ("\"\"", ""), ("x''y", "xy"),
        ("'a b'", "a b"), ("\"it's\"", "it's"), ("'say \"x\"'", "say \"x\""), ("'\\'", "\\"), ("'\\$HOST'", "\\$HOST"),
        ("\"\\$HOST\"", "$HOST"), ("\"\\\"\"", "\""), ("\"\\\\\"", "\\"), ("\"\\n\"", "\\n"), ("\"\\'\"", "\\'"),
        ("\"${HOST}\"", "db.local"), ("\"${NOBODY:-'x'}\"", "x"), ("\"a\"$HOST'b'", "adb.localb"),
        ("\"$QUOTED\"", "say \"hi\""), ("$QUOTED", "say \"hi\""), ("'${'", "${"), ("\"$\"", "$"), ("\"$ \"", "$ "),
        ("\"a  b\"", "a  b"), ("'\"'\"'\"", "\"'"), ("\"\\a\\b\"", "\\a\\b"), ("\"${NOBODY-\\\"}\"", "\""),
    ]

    private static let escapes: [(word: String, text: String)] = [
        ("\\$HOST", "$HOST"), ("\\\\$HOST", "\\db.local"), ("\\\\\\$HOST", "\\$HOST"), ("\\a\\b", "ab"), ("\\'", "'"),
        ("\\\"", "\""), ("a\\ b", "a b"), ("end\\", "end"), ("\\", ""), ("\\${HOST}", "${HOST}"), ("$\\HOST", "$HOST"),
        ("${NOBODY:-\\}}", "}"), ("${NOBODY:-a\\ b}", "a b"), ("\\n", "n"), ("$BACK", "a\\b"), ("'it'\\''s'", "it's"),
    ]

    private static let substitutions: [(word: String, text: String)] = [
        ("${HOST:-x}", "db.local"), ("${NOBODY:-x}", "x"), ("${EMPTY:-x}", "x"), ("${HOST-x}", "db.local"),
        ("${NOBODY-x}", "x"), ("${EMPTY-x}", ""), ("${HOST:+x}", "x"), ("${NOBODY:+x}", ""), ("${EMPTY:+x}", ""),
        ("${HOST+x}", "x"), ("${NOBODY+x}", ""), ("${EMPTY+x}", "x"), ("${NOBODY:-}", ""), ("${NOBODY-}", ""),
        ("${HOST:+}", ""), ("${NOBODY:-$HOST}", "db.local"), ("${NOBODY:-${HOST}}", "db.local"),
        ("${NOBODY:-${ALSO:-${NOT:-deep}}}", "deep"), ("${NOBODY:-a b}", "a b"), ("${NOBODY:-'a b'}", "a b"),
        ("${NOBODY:-\"$HOST\"}", "db.local"), ("${NOBODY:-'$HOST'}", "$HOST"), ("${HOST:+${N1}}", "7"),
        ("${NOBODY:-:}", ":"), ("${NOBODY:--}", "-"), ("${NOBODY--}", "-"), ("${NOBODY:-/a}", "/a"),
        ("${PATHS:+$PATHS:}/bin", "/opt/bin:/usr/bin:/bin"), ("${NOBODY:+$NOBODY:}/bin", "/bin"),
        ("<${NOBODY:-x}>", "<x>"), ("${1:-x}", "positional"), ("${2:-x}", "x"), ("${@:-x}", "x"),
        ("${NOBODY:-{a}}", "{a}"), ("${NOBODY:-日本}", "日本"), ("${EMPTY:-$EMPTY}", ""), ("${REF:+$REF}", "HOST"),
    ]

    private static let messages: [(word: String, text: String)] = [
        ("${HOST:?}", "db.local"), ("${HOST?said}", "db.local"), ("${EMPTY?said}", ""),
        ("${NOBODY:?}", "!NOBODY: is not allowed to be unset"), ("${NOBODY?}", "!NOBODY: is not allowed to be unset"),
        ("${EMPTY:?}", "!EMPTY: is not allowed to be empty"), ("${NOBODY:?give one}", "!NOBODY: give one"),
        ("${NOBODY?give $N1}", "!NOBODY: give 7"), ("${EMPTY:?not ${HOST}}", "!EMPTY: not db.local"),
    ]

    private static let prefixes: [(word: String, text: String)] = [
        ("${FILE#*.}", "tar.gz"), ("${FILE##*.}", "gz"), ("${FILE#archive}", ".tar.gz"),
        ("${FILE#x}", "archive.tar.gz"),
        ("${FILE#}", "archive.tar.gz"), ("${FILE#?}", "rchive.tar.gz"), ("${FILE#???????}", ".tar.gz"),
        ("${FILE##*}", ""), ("${FILE#*}", "archive.tar.gz"), ("${FILE#[a]}", "archive.tar.gz"), ("${NOBODY#x}", ""),
        ("${STAR#a\\*}", "b?c"), ("${STAR##a*}", ""), ("${STAR#a\\*b\\?}", "c"), ("${BACK#a\\\\}", "b"),
        ("${FILE#$NOBODY}", "archive.tar.gz"), ("${PATHS#/*/}", "bin:/usr/bin"), ("${PATHS##/*/}", "bin"),
        ("${FILE#'archive'}", ".tar.gz"), ("${FILE#\"archive.\"}", "tar.gz"), ("${BRACE#a\\}}", "b"),
        ("${SLASH#a/}", "b"),
        ("${SLASH#a\\/}", "b"), ("${LINES#*}", "first\nsecond"), ("${LINES##*}", "\nsecond"),
        ("${HOST#${HOST%.*}}", ".local"),
        ("${REPEAT#aa}", "aa"), ("${FILE#*.*}", "tar.gz"), ("${FILE##*.*a}", "r.gz"), ("${FILE#a*e}", ".tar.gz"),
    ]

    private static let suffixes: [(word: String, text: String)] = [
        ("${FILE%.*}", "archive.tar"), ("${FILE%%.*}", "archive"), ("${FILE%gz}", "archive.tar."),
        ("${FILE%zip}", "archive.tar.gz"), ("${FILE%}", "archive.tar.gz"), ("${FILE%?}", "archive.tar.g"),
        ("${FILE%%*}", ""), ("${PATHS%:*}", "/opt/bin"), ("${PATHS%/*}", "/opt/bin:/usr"), ("${PATHS%%/*}", ""),
        ("${STAR%\\?c}", "a*b"), ("${STAR%%\\**}", "a"), ("${NOBODY%x}", ""), ("${EMPTY%%x}", ""),
        ("${DEEP%/?}", "x/y"),
        ("${LINES%%*}", "first\n"), ("${HOST%.local}-x", "db-x"), ("${BACK%\\\\b}", "a"), ("${REPEAT%a}", "aaa"),
        ("${ÜBER%laut}", "um"), ("${FILE%.*.*}", "archive"), ("${FILE%%a*.gz}", ""), ("${FILE%r*z}", "archive.ta"),
    ]

    private static let replacements: [(word: String, text: String)] = [
        ("${FILE/tar/zip}", "archive.zip.gz"), ("${FILE/x/y}", "archive.tar.gz"), ("${FILE//a/A}", "Archive.tAr.gz"),
        ("${FILE/a/}", "rchive.tar.gz"), ("${FILE//./-}", "archive-tar-gz"), ("${DEEP/\\//_}", "x_y/z"),
        ("${DEEP//\\//_}", "x_y_z"), ("${REPEAT/a/b}", "baaa"), ("${REPEAT//a/b}", "bbbb"), ("${REPEAT//aa/b}", "bb"),
        ("${REPEAT//aaa/b}", "ba"), ("${FILE/a*/b}", "b"), ("${FILE/t*./-}", "archive.-gz"),
        ("${FILE//?/x}", "xxxxxxxxxxxxxx"),
        ("${STAR//\\*/+}", "a+b?c"), ("${STAR//\\?/+}", "a*b+c"), ("${NOBODY/a/b}", ""), ("${NOBODY//a/b}", ""),
        ("${N1//x/y}", "7"), ("${FILE/tar/$HOST}", "archive.db.local.gz"), ("${FILE/$N1/x}", "archive.tar.gz"),
        ("${FILE/${NOBODY:-tar}/x}", "archive.x.gz"), ("${N1//}", "!missing '/'"), ("${N1///x}", "x7x"),
        ("${N1//*/x}", "x"), ("${EMPTY//*/x}", "x"), ("${EMPTY//a/x}", ""), ("${LINES//*/x}", "x\nx"),
        ("${FILE/e*t/}", "archivar.gz"), ("${FILE/'.'/ }", "archive tar.gz"), ("${BRACE/\\}/x}", "axb"),
        ("${HOST/./\\}}", "db\\}local"), ("${LIST// /,}", "one,two,,three"), ("${REPEAT/*a/b}", "b"),
    ]

    private static let mistakes: [(word: String, text: String)] = [
        ("${", "!syntax error: missing '}'"), ("${HOST", "!syntax error: missing '}'"), ("${HOST:", "!missing '}'"),
        ("${HOST:-", "!syntax error: missing '}'"), ("${HOST:-x", "!missing '}'"),
        ("${NOBODY:-${HOST}", "!missing '}'"),
        ("${}", "!bad substitution"), ("${:}", "!bad substitution"), ("${:x}", "!bad substitution"),
        ("${{HOST}}", "!bad substitution"), ("${.}", "!unsupported modifier (.) in substitution"),
        ("${ HOST}", "!unsupported modifier ( ) in substitution"), ("${HOST }", "!unsupported modifier ( )"),
        ("${HOST:=x}", "!unsupported modifier (:=) in substitution"), ("${HOST:x}", "!unsupported modifier (:x)"),
        ("${HOST:#x}", "!unsupported modifier (:#)"), ("${HOST:%x}", "!unsupported modifier (:%)"),
        ("${HOST=x}", "!unsupported modifier (=)"), ("${HOST^}", "!unsupported modifier (^)"),
        ("${HOST,,}", "!unsupported modifier (,)"), ("${HOST@Q}", "!unsupported modifier (@)"), ("${#HOST}", "!(H)"),
        ("${1x}", "!unsupported modifier (x)"), ("${HOST/a}", "!missing '/' in ${}"), ("${HOST/a/b", "!missing '}'"),
        ("${HOST/", "!missing '/' in ${}"), ("${HOST#\\x}", "!invalid pattern (\\x) in substitution"),
        ("${HOST/\\./x}", "!invalid pattern"), ("'open", "!looking for matching single-quote"),
        ("\"open", "!looking for matching double-quote"), ("it's", "!matching single-quote"),
        ("\"a'b", "!matching double-quote"), ("\"${HOST\"", "!unsupported modifier (\")"),
        ("${HOST:-'}", "!missing '}'"),
        ("\"\\", "!matching double-quote"), ("a'b'c'", "!matching single-quote"),
    ]
}
