// `config` and `env explain` as a user runs them.
import BerthTesting
import Foundation
import Testing

@Suite("End to end: config", .serialized)
struct ConfigTests {
    static let stack = """
        services:
          web:
            image: "app:${TAG:-1}"
            profiles: [extra]
            env_file: web.env
            environment: {LEVEL: own, TAG: "${TAG:-1}"}
            volumes: ["data:/data"]
          db: {build: ./db, networks: [back]}
        volumes: {data: {}, unused: {}}
        networks: {back: {}}
        """

    func run(
        _ arguments: String..., environment: [String: String] = [:], stack: String = ConfigTests.stack
    ) throws -> Output {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("berth-config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("shop"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let directory = root.appendingPathComponent("shop")
        for (name, text) in [
            ("compose.yaml", stack), ("web.env", "LEVEL=file\nONLY=1\n"), (".env", "TAG=2\n"),
        ] {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        }
        return try RunningProgram(
            "\(World.programs)/berth", arguments,
            environment: ["PATH": Shell.path, "HOME": "/root"].merging(environment) { $1 }, directory: directory.path
        ).wait(limit: 20)
    }

    @Test(
        "names, one a line",
        arguments: [
            ("--services", "db\nweb\n"), ("--images", "app:2\nshop-db\n"), ("--volumes", "data\n"),
            ("--networks", "back\ndefault\n"),
            ("--profiles", "extra\n"), ("-q", ""),
        ])
    func names(flag: String, expected: String) throws {
        let output = try run("--profile", "extra", "config", flag)
        #expect(output.status == 0 && output.stdout == expected && output.stderr.isEmpty, "\(output)")
    }

    @Test("what is off is not there; the same text every time; variables and templates as written where asked")
    func forms() throws {
        let plain = try run("config")
        #expect(plain.status == 0 && !plain.stdout.contains("web:") && !plain.stdout.contains("unused"), "\(plain)")
        let both = try [
            run("--profile", "extra", "config", "--format", "json"),
            run("--profile", "extra", "config", "--format", "json"),
        ]
        #expect(
            both[0].stdout.replacing(#/berth-config-[^\/]*/#, with: "")
                == both[1].stdout.replacing(#/berth-config-[^\/]*/#, with: ""))
        #expect(try run("--all-resources", "config", "--volumes").stdout == "data\nunused\n")
        let raw = try run("--profile", "extra", "config", "--no-interpolate")
        #expect(raw.stdout.contains("image: app:${TAG:-1}"), "\(raw)")
        let variables = try run("config", "--variables")
        #expect(
            variables.lines.count == 2 && variables.lines[1].hasPrefix("TAG") && variables.lines[1].contains("false"),
            "\(variables)")
        let paths = try run("config", "--no-path-resolution")
        #expect(paths.stdout.contains("context: ./db"), "\(paths)")
        let hash = try run("--profile", "extra", "config", "--hash", "web")
        #expect(hash.stdout.wholeMatch(of: #/web [0-9a-f]{64}\n/#) != nil, "\(hash)")
        let unknown = try run("config", "nobody")
        #expect(unknown.status == 1 && unknown.stderr.contains("no such service: nobody"), "\(unknown)")
    }

    @Test("a named service comes with what it depends on and uses, and with nothing else")
    func selection() throws {
        let text = """
            services:
              web: {image: "web:1", depends_on: [db], networks: [front]}
              db:
                image: "db:1"
                volumes: ["data:/data"]
                depends_on: {off: {condition: service_started, required: false}}
              other: {image: "other:1", networks: [back]}
              off: {image: "off:1", profiles: [extra]}
            networks: {front: {}, back: {}}
            volumes: {data: {}}
            """
        let shown = try run("config", "web", stack: text)
        #expect(
            shown.stdout == """
                name: shop
                services:
                  db:
                    image: db:1
                    networks:
                      default: null
                    volumes:
                      - type: volume
                        source: data
                        target: /data
                        volume: {}
                  web:
                    depends_on:
                      db:
                        condition: service_started
                        required: true
                    image: web:1
                    networks:
                      front: null
                networks:
                  default:
                    name: shop_default
                  front:
                    name: shop_front
                volumes:
                  data:
                    name: shop_data

                """, "\(shown)")
        #expect(try run("config", "--images", "other", stack: text).stdout == "other:1\n")
        #expect(try run("config", "--volumes", "other", stack: text).stdout.isEmpty)
        #expect(try run("config", "--services", "web", stack: text).stdout == "db\nother\nweb\n")
    }

    @Test("a file of the caller's, and a format that is none")
    func output() throws {
        let file = "/tmp/berth-config-\(UUID().uuidString).yaml"
        defer { unlink(file) }
        #expect(try run("config", "-o", file).stdout.isEmpty)
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("name: shop\nservices:\n"))
        #expect(try run("config", "--format", "toml").status == 1)
    }

    @Test("env explain names file and line of each value, and what it overrode")
    func explain() throws {
        let tag = try run("--profile", "extra", "env", "explain", "TAG", environment: ["TAG": "3"])
        #expect(
            tag.stdout == """
                TAG in the stack file = 3
                  from your environment
                  instead of 2 from .env:1
                TAG in web = 3
                  from compose.yaml:6:36

                """, "\(tag)")
        let level = try run("--profile", "extra", "env", "explain", "LEVEL")
        #expect(
            level.stdout == "LEVEL in web = own\n  from compose.yaml:6:26\n  instead of file from web.env:1\n",
            "\(level)")
        #expect(try run("--profile", "extra", "env", "explain", "ONLY").stdout.contains("from web.env:2"))
        #expect(try run("env", "explain", "NOWHERE").stdout == "NOWHERE: not set, and nothing refers to it\n")
    }
}
