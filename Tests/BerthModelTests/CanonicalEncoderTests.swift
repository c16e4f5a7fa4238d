// Canonical bytes: one value, one text.
import BerthModel
import Testing

@Suite("Canonical encoder")
struct CanonicalEncoderTests {
    struct Sample: Codable {
        var name = "x"
        var flag = true
        var count = -3
        var big = UInt64.max
        var ratio = 0.5
        var whole = 2.0
        var missing: String?
        var list = [1, 2]
        var map: [String: String?] = ["b": "1", "a": nil]
        var choice = Choice.second(value: 1)
        var nested = Nested()
        struct Nested: Codable {}
        enum Choice: Codable { case first, second(value: Int) }
    }

    func text(_ value: some Encodable) throws -> String {
        String(decoding: try CanonicalEncoder.bytes(of: value), as: UTF8.self)
    }

    @Test("keys are sorted, nothing is padded, nil members are absent, nil values are null")
    func shape() throws {
        #expect(
            try text(Sample())
                == #"{"big":18446744073709551615,"choice":{"second":{"value":1}},"count":-3,"flag":true,"list":[1,2],"#
                + #""map":{"a":null,"b":"1"},"name":"x","nested":{},"ratio":0.5,"whole":2}"#)
    }

    @Test("strings escape what they must and nothing else")
    func strings() throws {
        #expect(try text("a") == #""a""#)
        #expect(try text("") == #""""#)
        #expect(try text("\"\\/é😀") == "\"\\\"\\\\/é😀\"")
        #expect(try text("\n\t\r\u{8}\u{c}\u{1}\u{1f}") == #""\n\t\r\b\f\u0001\u001f""#)
    }

    @Test("numbers")
    func numbers() throws {
        #expect(try text([Int8.min]) == "[-128]")
        #expect(try text([UInt64.max]) == "[18446744073709551615]")
        #expect(try text([1e300]) == "[1e+300]")
        #expect(try text([-0.0]) == "[0]")
        #expect(try text(Int?.none) == "null")
        #expect(throws: EncodingError.self) { try CanonicalEncoder.bytes(of: [Double.nan]) }
        #expect(throws: EncodingError.self) { try CanonicalEncoder.bytes(of: Double.infinity) }
    }

    @Test("the order of insertion into a dictionary does not matter, and keys sort by bytes")
    func dictionaries() throws {
        var one: [String: Int] = [:]
        var two: [String: Int] = [:]
        let keys = ["b", "a", "é", "z", "Z", "aa", "~", "ä"]
        for (index, key) in keys.enumerated() { one[key] = index }
        for (index, key) in keys.enumerated().reversed() { two[key] = index }
        #expect(try CanonicalEncoder.bytes(of: one) == CanonicalEncoder.bytes(of: two))
        #expect(try text(one).hasPrefix(#"{"Z":4,"a":1,"aa":5,"b":0,"z":3,"~":6"#))
    }

    @Test("values of the model encode, their durations and digests too")
    func model() throws {
        var service = Service(name: "web")
        service.stopGracePeriod = .milliseconds(1500)
        service.restart = .onFailure(maximumRetries: 2)
        let first = try CanonicalEncoder.bytes(of: service)
        #expect(try CanonicalEncoder.bytes(of: service) == first)
        service.stopGracePeriod = .milliseconds(1501)
        #expect(try CanonicalEncoder.bytes(of: service) != first)
    }

    struct Nesting: Encodable {
        enum Keys: String, CodingKey { case outer, inner, list }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            var nested = container.nestedContainer(keyedBy: Keys.self, forKey: .outer)
            try nested.encode(1, forKey: .inner)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            try list.encode("a")
            try list.encodeNil()
            var deep = list.nestedUnkeyedContainer()
            try deep.encode(true)
            try list.encode(list.count)
        }
    }

    @Test("nested containers")
    func nesting() throws {
        #expect(try text(Nesting()) == #"{"list":["a",null,[true],3],"outer":{"inner":1}}"#)
    }
}
