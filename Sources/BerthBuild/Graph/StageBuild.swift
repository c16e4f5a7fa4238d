// One stage, instruction by instruction.
import BerthLinux
import BerthModel

struct StageBuild {
    let target: TargetBuild
    let stage: DockerfileStage
    var state: StageState
    /// Steps of the stage, as progress counts them: its base, and what makes layers.
    private var total = 1
    private var position = 1
    /// Steps of this stage are taken anew.
    private let isFresh: Bool

    var session: BuildSession { target.session }

    init(_ target: TargetBuild, _ stage: DockerfileStage) {
        self.target = target
        self.stage = stage
        state = target.scratch(target.platform)
        let stages = target.target.noCacheStages.map { $0.lowercased() }
        isFresh =
            target.target.noCache
            || stages.contains { $0 == stage.name || $0 == "\(stage.number)" }
    }

    mutating func run() async throws -> StageState {
        total += stage.instructions.count { $0.makesLayer }
        state = try await baseState()
        // A command of an earlier stage was for that stage's entrypoint.
        state.setsCommand = false
        for (index, raw) in state.onbuild.enumerated() {
            let instruction = try parse(raw, trigger: index)
            try await take(instruction)
        }
        state.onbuild = []
        for instruction in stage.instructions { try await take(instruction) }
        return state
    }

    private func parse(_ raw: String, trigger index: Int) throws -> Instruction {
        let place = SourcePlace(file: "ONBUILD of \(stage.base)", line: index + 1, column: 1)
        do {
            // Of another file: its own escape is not known, and never asked for.
            return try DockerfileParser.parseInstruction(raw, escape: "\\", place: place)
        } catch {
            throw BerthError(.invalid, "building \(target.target.name)", subject: stage.base, cause: "\(error)")
        }
    }

    // MARK: Base

    private func baseState() async throws -> StageState {
        let given = PredefinedArguments.platforms(target.platform, stage: stage.name ?? "\(stage.number)")
        func expand(_ word: String, _ what: String) throws -> String {
            do { return try target.expansion.word(word) { target.globals[$0] ?? given[$0] }.text } catch {
                throw failure(stage.place, "\(what): \(error)")
            }
        }
        var platform = target.platform
        if let wanted = stage.platform {
            let text = try expand(wanted, "FROM --platform")
            guard let found = Platform(text) else {
                throw failure(stage.place, "FROM --platform: \"\(text)\" is no platform, expected OS/ARCHITECTURE")
            }
            platform = found
        }
        let name = try expand(stage.base, "FROM")
        if name.isEmpty {
            throw failure(stage.place, "base name (\(stage.base)) should not be blank", hint: "give the ARG a default")
        }
        if target.target.contexts[name] == nil {
            // Stages by name only: a number is an image's name here.
            let lower = name.lowercased()
            if let earlier = target.dockerfile.stages[..<stage.number].lastIndex(where: { $0.name == lower }) {
                return try await target.state(of: earlier)
            }
            if name == "scratch" { return target.scratch(platform) }
        }
        return try await target.base(name, platform: platform, vertex: "\(label()) \(stage.source)")
    }

    // MARK: Names and failures

    /// `[web build 2/5]`
    func label() -> String {
        var words: [String] = []
        if target.session.namesTargets { words.append(target.target.name) }
        if let name = stage.name {
            words.append(name)
        } else if target.dockerfile.stages.count > 1 {
            words.append("stage-\(stage.number)")
        }
        let width = "\(total)".count
        let number = "\(position)"
        words.append(String(repeating: " ", count: width - number.count) + number + "/\(total)")
        return "[\(words.joined(separator: " "))]"
    }

    mutating func nextLabel() -> String {
        if position < total { position += 1 }
        return label()
    }

    func failure(_ place: SourcePlace, _ cause: String, hint: String? = nil, code: BerthError.Code = .invalid)
        -> BerthError
    {
        BerthError(
            code, "building \(target.target.name)", subject: "\(place.file):\(place.line)",
            cause: "\(place.file):\(place.line): \(cause)", hint: hint)
    }

    func expand(_ word: String, _ instruction: Instruction) throws -> String {
        do { return try target.expansion.word(word) { state.value($0) }.text } catch {
            throw failure(instruction.place, "\(instruction.name): \(error)")
        }
    }

    /// A step of this stage.
    mutating func planned(_ instruction: Instruction, _ key: Digest) -> PlannedStep {
        PlannedStep(
            name: "\(nextLabel()) \(instruction.shown)", key: key, summary: instruction.shown, usesCache: !isFresh,
            timestampMax: timestampMax,
            excerpt: "\(instruction.place.file):\(instruction.place.line)\n"
                + SourceExcerpt.text(target.lines, instruction))
    }

    /// `SOURCE_DATE_EPOCH`, where it was given.
    var timestampMax: Int64? { target.target.arguments["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } }

    /// What a step made becomes the stage's.
    mutating func adopt(_ result: StepResult, _ step: PlannedStep, history: String) {
        state.top = result.top
        state.key = step.key
        state.created = result.created
        state.record(history, isEmpty: result.isEmpty)
    }
}

extension Instruction {
    var makesLayer: Bool {
        switch kind {
        case .run, .copy, .workdir: true
        default: false
        }
    }

    /// The instruction's word.
    var name: String { source.split(whereSeparator: \.isWhitespace).first?.uppercased() ?? "" }

    /// One line for progress and history.
    var shown: String {
        let first = source.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: true)
        let line = first.first.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") } ?? ""
        return first.count > 1 ? "\(line) …" : line
    }
}
