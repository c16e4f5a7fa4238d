// The root command and what ends a run: exit codes, errors as people read them.
import ArgumentParser
import BerthLinux
import BerthModel
import Synchronization

@main
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
            subcommands: chosen.withLock { $0 }.map { [$0] } ?? commands.map(\.type))
    }

    private static let chosen = Mutex<(any ParsableCommand.Type)?>(nil)
    private static let commands: [(name: String, type: any ParsableCommand.Type)] = [
        ("up", Up.self), ("down", Down.self), ("ps", Ps.self), ("logs", Logs.self), ("exec", Exec.self),
        ("run", Run.self),
        ("start", Start.self), ("stop", Stop.self), ("restart", Restart.self), ("kill", Kill.self), ("rm", Rm.self),
        ("create", Create.self), ("pause", Pause.self), ("unpause", Unpause.self), ("scale", Scale.self),
        ("top", Top.self),
        ("port", Port.self), ("ls", Ls.self), ("config", Config.self), ("env", Env.self), ("images", Images.self),
        ("volumes", Volumes.self), ("wait", Wait.self), ("attach", Attach.self), ("events", Events.self),
        ("version", Version.self), ("image", Image.self),
    ]

    @OptionGroup var global: GlobalOptionsHelp

    static func main() async {
        ProcessSetup.ignoreBrokenPipes()
        do {
            // Options of the whole program stand before the subcommand, as in docker compose.
            let (global, rest) = try GlobalOptions.split(Array(CommandLine.arguments.dropFirst()))
            GlobalOptions.current = global
            if let word = rest.first, !word.hasPrefix("-"), word != "help" { try choose(word) }
            var command = try parseAsRoot(rest)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static let aliases = ["convert": "config"]

    private static func choose(_ word: String) throws {
        let name = aliases[word] ?? word
        if let command = commands.first(where: { $0.name == name }) { return chosen.withLock { $0 = command.type } }
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
        let message = fullMessage(for: error)
        let code = exitCode(for: error)
        if code == .success {
            Console.shared.out(message)
            exitProcess(0)
        }
        Console.shared.error(message)
        exitProcess(1)
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
