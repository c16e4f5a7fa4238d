// Instructions that change no file: what the image says about itself.
import BerthModel

extension StageBuild {
    mutating func take(_ instruction: Instruction) async throws {
        switch instruction.kind {
        case .run(let run): try await take(run, instruction)
        case .copy(let copy): try await take(copy, instruction)
        case .workdir(let path): try await takeWorkdir(path, instruction)
        case .arg(let declarations): try takeArguments(declarations, instruction)
        case .env(let words): try takeEnvironment(words, instruction)
        case .label(let words): try takeLabels(words, instruction)
        case .cmd(let form):
            state.execution.Cmd = arguments(form)
            state.record("CMD \(ListText.json(arguments(form)))", isEmpty: true)
            state.setsCommand = true
        case .entrypoint(let form):
            state.execution.Entrypoint = arguments(form)
            // The base's command was for the base's entrypoint.
            if !state.setsCommand { state.execution.Cmd = nil }
            state.record("ENTRYPOINT \(ListText.json(arguments(form)))", isEmpty: true)
        case .expose(let words): try takeExpose(words, instruction)
        case .volume(let words): try takeVolumes(words, instruction)
        case .user(let word):
            let user = try expand(word, instruction)
            state.execution.User = user
            state.record("USER \(user)", isEmpty: true)
        case .shell(let words):
            state.execution.Shell = words
            state.record("SHELL [\(words.joined(separator: " "))]", isEmpty: true)
        case .stopsignal(let word):
            let name = try expand(word, instruction)
            guard Signal.number(name) != nil else {
                throw failure(instruction.place, "STOPSIGNAL: \"\(name)\" is no signal", hint: "such as SIGTERM or 15")
            }
            state.execution.StopSignal = name
            state.record("STOPSIGNAL \(name)", isEmpty: true)
        case .healthcheck(let check): takeHealthcheck(check)
        case .onbuild(let raw):
            state.execution.OnBuild = (state.execution.OnBuild ?? []) + [raw]
            state.record("ONBUILD \(raw)", isEmpty: true)
        case .maintainer(let name):
            state.author = name
            state.record("MAINTAINER \(name)", isEmpty: true)
        }
    }

    func arguments(_ form: CommandForm) -> [String] {
        switch form {
        case .exec(let words): words
        case .shell(let text): state.shell + [text]
        }
    }

    private mutating func takeArguments(_ declarations: [ArgumentDeclaration], _ instruction: Instruction) throws {
        var shown: [String] = []
        let platforms = PredefinedArguments.platforms(target.platform, stage: stage.name ?? "\(stage.number)")
        for declaration in declarations {
            let name = try expand(declaration.name, instruction)
            var value = target.target.arguments[name]
            if value == nil {
                if let text = declaration.defaultValue {
                    value = try expand(text, instruction)
                } else {
                    value = target.globals[name] ?? platforms[name]
                }
            }
            state.arguments.declare(name, value)
            shown.append(value.map { "\(name)=\($0)" } ?? name)
        }
        state.record("ARG \(shown.joined(separator: " "))", isEmpty: true)
    }

    /// All words see the values from before the instruction.
    private mutating func takeEnvironment(_ words: [NamedWord], _ instruction: Instruction) throws {
        let pairs = try words.map { (try expand($0.name, instruction), try expand($0.word, instruction)) }
        for (name, value) in pairs {
            if name.isEmpty { throw failure(instruction.place, "ENV names can not be blank") }
            EnvironmentList.set(&state.environment, name, value)
        }
        state.record("ENV \(pairs.map { "\($0.0)=\($0.1)" }.joined(separator: " "))", isEmpty: true)
    }

    private mutating func takeLabels(_ words: [NamedWord], _ instruction: Instruction) throws {
        var shown: [String] = []
        for word in words {
            let name = try expand(word.name, instruction)
            let value = try expand(word.word, instruction)
            if name.isEmpty { throw failure(instruction.place, "LABEL names can not be blank") }
            state.execution.Labels = (state.execution.Labels ?? [:]).merging([name: value]) { $1 }
            shown.append("\(name)=\(value)")
        }
        state.record("LABEL \(shown.joined(separator: " "))", isEmpty: true)
    }

    private mutating func takeExpose(_ words: [String], _ instruction: Instruction) throws {
        var ports: [String] = []
        for word in words {
            let texts: [String]
            do { texts = try target.expansion.words(word) { state.value($0) } } catch {
                throw failure(instruction.place, "EXPOSE: \(error)")
            }
            for text in texts {
                guard let found = ExposedPortText.ports(text) else {
                    throw failure(
                        instruction.place, "EXPOSE: \"\(text)\" is no port",
                        hint: "write PORT, PORT/udp or FIRST-LAST/tcp")
                }
                ports += found
            }
        }
        for port in ports {
            state.execution.ExposedPorts = (state.execution.ExposedPorts ?? [:]).merging([port: .init()]) { $1 }
        }
        let shown = ports.sorted().map { "\($0):{}" }.joined(separator: " ")
        state.record("EXPOSE map[\(shown)]", isEmpty: true)
    }

    private mutating func takeVolumes(_ words: [String], _ instruction: Instruction) throws {
        var paths: [String] = []
        for word in words {
            let path = try expand(word, instruction)
            if path.isEmpty { throw failure(instruction.place, "VOLUME specified can not be an empty string") }
            state.execution.Volumes = (state.execution.Volumes ?? [:]).merging([path: .init()]) { $1 }
            paths.append(path)
        }
        state.record("VOLUME [\(paths.joined(separator: " "))]", isEmpty: true)
    }

    private mutating func takeHealthcheck(_ check: HealthcheckInstruction) {
        var written = ImageConfig.Execution.Healthcheck()
        switch check.command {
        case nil: written.Test = ["NONE"]
        case .exec(let words): written.Test = ["CMD"] + words
        case .shell(let text): written.Test = ["CMD-SHELL", text]
        }
        func nanoseconds(_ duration: Duration?) -> Int64? {
            guard let duration, duration != .zero else { return nil }
            let (seconds, attoseconds) = duration.components
            return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        }
        written.Interval = nanoseconds(check.interval)
        written.Timeout = nanoseconds(check.timeout)
        written.StartPeriod = nanoseconds(check.startPeriod)
        written.StartInterval = nanoseconds(check.startInterval)
        written.Retries = check.retries.flatMap { $0 == 0 ? nil : $0 }
        state.execution.Healthcheck = written
        let shown = (written.Test ?? []).map { "\"\($0)\"" }.joined(separator: " ")
        state.record("HEALTHCHECK &{[\(shown)]}", isEmpty: true)
    }
}

/// Lists as JSON, for histories.
enum ListText {
    static func json(_ words: [String]) -> String { "[\(words.map { JSONString.quoted($0) }.joined(separator: " "))]" }
}

/// Ports as `EXPOSE` has them.
enum ExposedPortText {
    /// `80`, `80/udp`, `8000-8002/tcp`; nil where the text is none.
    static func ports(_ text: String) -> [String]? {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        let ends = (halves.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        let transport = halves.count == 2 ? halves[1] : "tcp"
        guard halves.count <= 2, ["tcp", "udp", "sctp"].contains(transport), (1...2).contains(ends.count),
            let first = ends[0], let last = ends[ends.count - 1], first > 0, first <= last
        else { return nil }
        return (first...last).map { "\($0)/\(transport)" }
    }
}
