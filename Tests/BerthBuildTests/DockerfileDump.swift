// A Dockerfile as text that goldens can hold: every field of it, and nothing twice.
import BerthModel

@testable import BerthBuild

enum DockerfileDump {
    static func text(_ file: Dockerfile) -> String {
        var lines = directives(file.directives)
        lines += file.globalArguments.map(text)
        for stage in file.stages {
            let name = stage.name.map { " as \($0)" } ?? ""
            let platform = stage.platform.map { " platform \(quoted($0))" } ?? ""
            lines.append(
                "\(stage.place.line):\(stage.place.column) stage \(stage.number) \(quoted(stage.base))\(name)\(platform)"
            )
            lines += stage.instructions.map { "  " + text($0) }
        }
        return lines.joined(separator: "\n")
    }

    private static func directives(_ directives: DockerfileDirectives) -> [String] {
        var lines: [String] = []
        if let syntax = directives.syntax { lines.append("syntax \(syntax)") }
        if directives.escape != "\\" { lines.append("escape \(directives.escape)") }
        if directives.skipsAllChecks { lines.append("skips all checks") }
        if !directives.skippedChecks.isEmpty { lines.append("skips \(directives.skippedChecks.sorted())") }
        if !directives.experimentalChecks.isEmpty { lines.append("also \(directives.experimentalChecks.sorted())") }
        if directives.checksAreErrors { lines.append("checks are errors") }
        return lines
    }

    private static func quoted(_ text: String) -> String { text.debugDescription }

    private static func list(_ words: [String]) -> String { "[" + words.map(quoted).joined(separator: ", ") + "]" }

    static func text(_ instruction: Instruction) -> String {
        let place = "\(instruction.place.line):\(instruction.place.column)-\(instruction.lastLine)"
        let source = instruction.source.count < 200 ? "\n      = \(quoted(instruction.source))" : ""
        return "\(place) \(text(instruction.kind))\(source)"
    }

    private static func text(_ kind: Instruction.Kind) -> String {
        switch kind {
        case .arg(let all):
            "arg " + all.map { "\($0.name)=\($0.defaultValue.map(quoted) ?? "-")" }.joined(separator: " ")
        case .env(let all): "env " + all.map { "\($0.name)=\(quoted($0.word))" }.joined(separator: " ")
        case .label(let all): "label " + all.map { "\($0.name)=\(quoted($0.word))" }.joined(separator: " ")
        case .run(let run): "run " + text(run)
        case .copy(let copy): text(copy)
        case .cmd(let form): "cmd \(text(form))"
        case .entrypoint(let form): "entrypoint \(text(form))"
        case .expose(let words): "expose \(list(words))"
        case .volume(let words): "volume \(list(words))"
        case .user(let word): "user \(quoted(word))"
        case .workdir(let word): "workdir \(quoted(word))"
        case .shell(let words): "shell \(list(words))"
        case .stopsignal(let word): "stopsignal \(quoted(word))"
        case .healthcheck(let check): "healthcheck " + text(check)
        case .onbuild(let text): "onbuild \(quoted(text))"
        case .maintainer(let text): "maintainer \(quoted(text))"
        }
    }

    private static func text(_ form: CommandForm) -> String {
        switch form {
        case .shell(let text): "shell \(quoted(text))"
        case .exec(let words): "exec \(list(words))"
        }
    }

    private static func text(_ heredoc: Heredoc) -> String {
        var text = "<<\(quoted(heredoc.name)) \(quoted(heredoc.content))"
        if !heredoc.expands { text += " as it is" }
        if heredoc.stripsTabs { text += " without tabs" }
        if heredoc.fileDescriptor != 0 { text += " at \(heredoc.fileDescriptor)" }
        return text
    }

    private static func text(_ run: RunInstruction) -> String {
        var parts = [text(run.command)] + run.heredocs.map(text) + run.mounts.map { "mount \(quoted($0))" }
        if let network = run.network { parts.append("network \(network)") }
        if let security = run.security { parts.append("security \(security)") }
        parts += run.devices.map { "device \(quoted($0))" }
        return parts.joined(separator: "; ")
    }

    private static func text(_ copy: CopyInstruction) -> String {
        var parts = ["\(copy.isAdd ? "add" : "copy") \(list(copy.sources)) to \(quoted(copy.destination))"]
        parts += copy.heredocs.map(text)
        for (name, value) in [
            ("from", copy.from), ("chown", copy.chown), ("chmod", copy.chmod), ("checksum", copy.checksum),
            ("unpack", copy.unpack.map { "\($0)" }),
        ] {
            if let value { parts.append("\(name) \(quoted(value))") }
        }
        for (name, flag) in [("link", copy.link), ("parents", copy.parents), ("keep-git-dir", copy.keepGitDirectory)]
        where flag {
            parts.append(name)
        }
        return (parts + copy.excludes.map { "exclude \(quoted($0))" }).joined(separator: "; ")
    }

    private static func text(_ check: HealthcheckInstruction) -> String {
        guard let command = check.command else { return "none" }
        var parts = [text(command)]
        for (name, duration) in [
            ("interval", check.interval), ("timeout", check.timeout), ("start-period", check.startPeriod),
            ("start-interval", check.startInterval),
        ] {
            if let duration { parts.append("\(name) \(duration)") }
        }
        if let retries = check.retries { parts.append("retries \(retries)") }
        return parts.joined(separator: "; ")
    }
}
