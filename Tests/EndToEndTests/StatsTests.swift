// `stats`: what it says is what the kernel counts.
import Foundation
import Testing

@Suite("End to end: stats", .serialized)
struct StatsTests {
    @Test("processor, memory, network and processes of each container; what does not run shows dashes")
    func usage() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: use
                services:
                  busy: {image: "localhost/busybox:1", command: ["sh", "-c", "while :; do :; done"], mem_limit: 64m}
                  idle:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "head -c 20000000 /dev/zero > /dev/shm/held; sleep 100000 & exec sleep 100000"]
                  web:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "mkdir /www; head -c 3000000 /dev/zero > /www/file; exec httpd -f -p 80 -h /www"]
                    init: true
                  over: {image: "localhost/busybox:1", command: "true"}
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(
                eventually {
                    (try? world.run("exec", "-T", "idle", "wget", "-q", "-O", "/dev/null", "http://web/file").status)
                        == 0
                })
            let shown = try world.run("stats", "-a", "--no-stream", "--format", "json")
            #expect(shown.status == 0, "\(shown)")
            var rows: [String: [String: String]] = [:]
            for line in shown.lines {
                let row = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String], "\(line)")
                rows[row["Name"] ?? ""] = row
            }
            func number(_ name: String, _ key: String) -> Double {
                Double((rows["use-\(name)-1"]?[key] ?? "").prefix { $0.isNumber || $0 == "." }) ?? -1
            }
            #expect(rows.count == 4)
            #expect(number("busy", "CPUPerc") > 10 && number("idle", "CPUPerc") < 10, "\(rows)")
            #expect(rows["use-busy-1"]?["MemUsage"]?.hasSuffix(" / 64MiB") == true, "\(rows)")
            let held = rows["use-idle-1"]?["MemUsage"] ?? ""
            #expect(held.contains("MiB / ") && number("idle", "MemUsage") >= 19, "what lies in memory counts: \(held)")
            #expect(number("idle", "PIDs") == 2 && number("busy", "PIDs") == 1, "\(rows)")
            #expect(rows["use-idle-1"]?["NetIO"]?.hasPrefix("3.") == true, "\(rows)")
            #expect(rows["use-over-1"]?["CPUPerc"] == "--", "\(rows)")
            let table = try world.run("stats", "--no-stream", "busy")
            #expect(table.lines.count == 2 && table.lines[0].hasPrefix("CONTAINER ID"), "\(table)")
            #expect(try world.run("stats", "--format", "yaml").status != 0)
        }
    }
}
