// The start of berth-oci: parse, run one command, report as runc does.
import BerthLinux
import BerthModel
import BerthRuntime

let words = Array(CommandLine.arguments.dropFirst())
var report = Report()
do {
    let line = try CommandLineParser.parse(words)
    report = Report(line.global)
    ProcessSetup.ignoreBrokenPipes()
    exitProcess(try Command(line).run())
} catch {
    report.write(error)
    exitProcess((error as? BerthError)?.exitCode ?? 1)
}
