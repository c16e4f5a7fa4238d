// The root command and what ends a run: exit codes, errors as people read them.
import ArgumentParser
import BerthLinux
import BerthModel

@main
struct Berth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "berth", abstract: "Start a whole stack from one compose file, and know when it is ready.",
        discussion: """
            Examples:
              berth up -d --wait        start the stack of this directory, return when it is ready
              berth ps                  what runs
              berth logs -f web         follow one service
              berth down                stop and remove it; named volumes stay
            """,
        version: "berth \(BerthVersion.text)",
        subcommands: [
            Up.self, Down.self, Ps.self, Logs.self, Exec.self, Run.self, Start.self, Stop.self, Restart.self, Kill.self,
            Rm.self, Create.self, Pause.self, Unpause.self, Scale.self, Top.self, Port.self, Ls.self, Config.self,
            Images.self,
            Volumes.self, Wait.self, Attach.self, Events.self, Version.self, Image.self,
        ])

    @OptionGroup var global: GlobalOptions

    static func main() async {
        ProcessSetup.ignoreBrokenPipes()
        do {
            // Options of the whole program stand before the subcommand, as in docker compose.
            let (global, rest) = try GlobalOptions.split(Array(CommandLine.arguments.dropFirst()))
            GlobalOptions.current = global
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
