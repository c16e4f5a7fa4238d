// What is an array of strings, what is one of others, and what is none.
import Testing

@testable import BerthBuild

@Suite("Build: JSON form")
struct StringArrayTests {
    @Test("arrays of strings")
    func arrays() {
        let rows: [(String, [String])] = [
            ("[]", []), ("[ ]", []), (" [\"a\"] ", ["a"]), ("[\"a\",\"b\"]", ["a", "b"]),
            ("[\t\"a\" ,\n\"b\"\r]", ["a", "b"]),
            ("[\"\"]", [""]), ("[\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041\"]", ["\" \\ / \u{8} \u{C} \n \r \t A"]),
            ("[\"\\ud83d\\ude00\"]", ["\u{1F600}"]), ("[\"\\ud83d\"]", ["\u{FFFD}"]), ("[\"\\udc00x\"]", ["\u{FFFD}x"]),
            ("[\"\\ud83d\\u0041\"]", ["\u{FFFD}A"]), ("[\"ä 日本\"]", ["ä 日本"]), ("[\"\\u0000\"]", ["\0"]),
            ("[\"]\"]", ["]"]),
        ]
        for (text, words) in rows { #expect(StringArray.read(text) == words, "\(text)") }
    }

    @Test("arrays of something else")
    func others() {
        for item in [
            "1", "-0.5e+3", "0", "true", "false", "null", "[]", "[\"a\"]", "{}", "{\"a\": [1, {\"b\": \"c\"}]}",
        ] {
            for text in ["[\(item)]", "[\"a\", \(item)]", "[\(item), \"a\"]"] {
                #expect(StringArray.read(text) == nil && StringArray.isOfOthers(text), "\(text)")
            }
        }
    }

    @Test("no array at all")
    func none() {
        let texts = [
            "", "a", "\"a\"", "{}", "[", "[\"a\"", "[\"a\",", "[\"a\",]", "[,]", "[,\"a\"]", "[\"a\" \"b\"]", "['a']",
            "[a]", "[\"a\"] b", "[\"a\"]]",
            "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u+123\"]", "[\"a\nb\"]", "[\"a\tb\"]", "[01]", "[1.]", "[.5]", "[-]",
            "[1e]", "[tru]", "[nulls]", "[{\"a\"}]",
            "[{\"a\":1,}]", "[{a:1}]", "[+1]", "[\"a\\", "[\"a\\\"]", String(repeating: "[", count: 5_000),
        ]
        for text in texts {
            #expect(StringArray.read(text) == nil && !StringArray.isOfOthers(text), "\(text.prefix(40))")
        }
    }
}
