// The root command and what ends a run: exit codes, errors as people read them.
import ArgumentParser
import BerthLinux
import BerthModel
import Synchronization

/// The way in: what needs to wait for nothing is done here, on the main thread, and no other thread is started.
@main
enum Program {
    static func main() { Berth.start() }
}

struct Berth: AsyncParsableCommand {
    /// Building the parser of every command takes longer than most commands: where the first word names one, it is the
    /// only one.
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "berth", abstract: "Start a whole stack from one compose file, and know when it is ready.",
            discussion: """
                Examples:
                  berth up -d --wait        start the stack of this directory, return when it is ready
                  berth ps                  what runs
                  berth logs -f web         follow one service
                  berth down                stop and remove it; named volumes stay
                """,
            version: "berth \(BerthVersion.text)",
            subcommands: chosen.withLock { $0 }.map { [$0.type] } ?? commands.map(\.type))
    }

    private static let chosen = Mutex<CommandEntry?>(nil)
    private static let commands: [CommandEntry] = [
        .init("init", Init.self), .init("up", Up.self), .init("down", Down.self), .init("ps", Ps.self),
        .init("logs", Logs.self), .init("exec", Exec.self), .init("run", Run.self), .init("start", Start.self),
        .init("stop", Stop.self), .init("restart", Restart.self), .init("kill", Kill.self), .init("rm", Rm.self),
        .init("create", Create.self), .init("build", Build.self), .init("builder", Builder.self),
        .init("pull", Pull.self), .init("push", Push.self), .init("login", Login.self), .init("logout", Logout.self),
        .init("registry", Registry.self),
        .init("pause", Pause.self), .init("unpause", Unpause.self), .init("scale", Scale.self),
        .init("top", Top.self), .init("port", Port.self), .init("ls", Ls.self), .init("config", Config.self),
        .init("env", Env.self), .init("images", Images.self), .init("volumes", Volumes.self),
        .init("wait", Wait.self), .init("watch", Watch.self), .init("attach", Attach.self),
        .init("stats", Stats.self), .init("cp", Cp.self), .init("events", Events.self),
        .init("resume", Resume.self), .init("suspend", Suspend.self),
        .init("doctor", Doctor.self),
        .init("version", Version.self), .init("system", System.self), .init("image", Image.self),
        .init("network", Network.self), .init("volume", Volume.self), .init("commit", Commit.self),
        .init("export", Export.self), .init("adopt", Adopt.self), .init("container", ContainerGroup.self),
    ]

    @OptionGroup var global: GlobalOptionsHelp

    static func start() {
        guard let command = begin() else { return }
        Task { await finish(command) }
        // Not `dispatchMain`: it unwinds this thread, and a static program sorts all its frames for that, which takes
        // longer than most commands; the end of the process waits for it.
        BerthLinux.Pause.forever()
    }

    /// Reads the words and runs what can be run at once. Returns a command that has to wait for something.
    static func begin() -> sending (any AsyncParsableCommand)? {
        ProcessSetup.ignoreBrokenPipes()
        SudoWorld.restore()
        do {
            // Options of the whole program stand before the subcommand, as in docker compose.
            let (global, rest) = try GlobalOptions.split(Array(CommandLine.arguments.dropFirst()))
            GlobalOptions.current = global
            if let word = rest.first, !word.hasPrefix("-"), word != "help" { try choose(word) }
            return try waiting(rest)
        } catch {
            end(with: error)
        }
    }

    static func finish(_ command: any AsyncParsableCommand) async -> Never {
        var command = command
        do { try await command.run() } catch { end(with: error) }
        exitProcess(0)
    }

    /// Reads the words, and runs the command here if it needs to wait for nothing; otherwise returns it.
    private nonisolated static func waiting(_ words: [String]) throws -> sending (any AsyncParsableCommand)? {
        var command = try parsed(words)
        if let known = chosen.withLock({ $0 })?.recognise(command) {
            if let quick = known.quick, try quick.runAtOnce() { return nil }
            return known.waiting
        }
        if let quick = command as? any QuickCommand, try quick.runAtOnce() { return nil }
        if let asynchronous = command as? any AsyncParsableCommand { return asynchronous }
        try command.run()
        return nil
    }

    /// The chosen command read by itself: most of a short command's time less than from the root, and its `-f` and `-p`
    /// are its own.
    private static func parsed(_ words: [String]) throws -> any ParsableCommand {
        guard let command = chosen.withLock({ $0 })?.type else { return try parseAsRoot(words) }
        return try command.parseAsRoot(Array(words.dropFirst()))
    }

    private static func choose(_ word: String) throws {
        let name = word == "convert" ? "config" : word
        if let command = commands.first(where: { $0.name == name }) { return chosen.withLock { $0 = command } }
        let near = commands.map(\.name).filter { $0.hasPrefix(word.prefix(2)) }.joined(separator: ", ")
        throw BerthError(
            .invalid, "unknown command \"\(word)\"",
            hint: (near.isEmpty ? "" : "did you mean \(near)? ") + "berth --help lists the commands")
    }

    private static func end(with error: any Error) -> Never {
        if let code = error as? ExitCode { exitProcess(code.rawValue) }
        if let failure = error as? BerthError {
            Console.shared.fail(failure)
            exitProcess(failure.exitCode ?? ExitCodes.code(failure.code))
        }
        // A command that was read by itself is called by its whole name all the same.
        let isPartOfName = chosen.withLock { $0 } != nil
        let message = fullMessage(for: error).replacing("  See '", with: isPartOfName ? "  See 'berth " : "  See '")
        let code = exitCode(for: error)
        if code == .success {
            Console.shared.out(message)
            exitProcess(0)
        }
        Console.shared.error(message)
        exitProcess(1)
    }
}

/// A command by its name. What it is is known here: asking the running program walks through all conformances that it
/// has, ten thousand of them, each time.
private struct CommandEntry: Sendable {
    struct Known {
        var quick: (any QuickCommand)?
        var waiting: any AsyncParsableCommand
    }

    let name: String
    let type: any ParsableCommand.Type
    /// Nil: it is a subcommand of this one.
    let recognise: @Sendable (any ParsableCommand) -> Known?

    init<Command: QuickCommand>(_ name: String, _ type: Command.Type) {
        (self.name, self.type) = (name, type)
        recognise = { ($0 as? Command).map { Known(quick: $0, waiting: $0) } }
    }

    init<Command: AsyncParsableCommand>(_ name: String, _ type: Command.Type) {
        (self.name, self.type) = (name, type)
        recognise = { ($0 as? Command).map { Known(quick: nil, waiting: $0) } }
    }
}

/// A command that mostly waits for nothing: then it is done before a second thread exists.
protocol QuickCommand: AsyncParsableCommand {
    /// Runs here and now. False: it has to wait for something, and `run` does all of it.
    func runAtOnce() throws -> Bool
}

extension ParsableCommand {
    /// The configuration of a command of berth's. Read by itself, a command with a parent is not searched for requests
    /// of completion scripts, which takes longer than reading its own words.
    static func subcommand(
        name: String? = nil, abstract: String, discussion: String = "", subcommands: [any ParsableCommand.Type] = [],
        defaultSubcommand: (any ParsableCommand.Type)? = nil, aliases: [String] = []
    ) -> CommandConfiguration {
        var configuration = CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion, subcommands: subcommands,
            defaultSubcommand: defaultSubcommand,
            aliases: aliases)
        configuration._superCommandName = "berth"
        return configuration
    }
}

/// Exit codes by kind of error; docker compose uses 1 for nearly all.
enum ExitCodes {
    static func code(_ code: BerthError.Code) -> Int32 {
        switch code {
        case .cancelled: 130
        default: 1
        }
    }
}
