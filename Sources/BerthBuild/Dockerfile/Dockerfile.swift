// What a Dockerfile says, typed, before any word of it is expanded.
import BerthModel

/// A Dockerfile: `ARG`s before the first `FROM`, then stages.
package struct Dockerfile: Sendable, Equatable {
    package var directives = DockerfileDirectives()
    /// `ARG` instructions that stand before the first stage: visible in `FROM`, and as defaults of a bare `ARG`.
    package var globalArguments: [Instruction] = []
    /// In the order of the file; a stage's number is its index.
    package var stages: [DockerfileStage] = []
    package init() {}
}

/// Comments at the very top that steer the parser.
package struct DockerfileDirectives: Sendable, Equatable {
    /// `# syntax=`: Docker's own front ends are accepted and ignored.
    package var syntax: String?
    /// `# escape=`: a backslash or a backtick.
    package var escape: Character = "\\"
    /// `# check=skip=…;error=…`
    package var skippedChecks: Set<String> = []
    package var skipsAllChecks = false
    package var checksAreErrors = false
    /// Checks that are made only where they are asked for; `all`: every one.
    package var experimentalChecks: Set<String> = []
    package init() {}
}

package struct DockerfileStage: Sendable, Equatable {
    package var number: Int
    /// Lower case, as `AS` gave it.
    package var name: String?
    /// An image, an earlier stage or `scratch`; not expanded.
    package var base: String
    /// `--platform`, not expanded.
    package var platform: String?
    package var instructions: [Instruction] = []
    package var place: SourcePlace
    /// The instruction as it was written, continuations joined.
    package var source: String

    package init(number: Int, name: String?, base: String, platform: String?, place: SourcePlace, source: String) {
        self.number = number
        self.name = name
        self.base = base
        self.platform = platform
        self.place = place
        self.source = source
    }
}

/// One instruction of a stage. Words are as written: what may be expanded is expanded when the stage is planned.
package struct Instruction: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case arg([ArgumentDeclaration])
        case env([NamedWord])
        case label([NamedWord])
        case run(RunInstruction)
        /// `COPY` and `ADD`.
        case copy(CopyInstruction)
        case cmd(CommandForm)
        case entrypoint(CommandForm)
        case expose([String])
        case volume([String])
        case user(String)
        case workdir(String)
        case shell([String])
        case stopsignal(String)
        case healthcheck(HealthcheckInstruction)
        /// The instruction that a child stage or image runs, raw.
        case onbuild(String)
        case maintainer(String)
    }

    package var kind: Kind
    package var place: SourcePlace
    /// The last line that belongs to it, heredocs included; counted from 1.
    package var lastLine: Int
    /// As it was written, continuations joined, comments in between left out; heredocs follow with their lines.
    package var source: String

    package init(_ kind: Kind, at place: SourcePlace, lastLine: Int, source: String) {
        self.kind = kind
        self.place = place
        self.lastLine = lastLine
        self.source = source
    }
}

package struct ArgumentDeclaration: Sendable, Equatable {
    package var name: String
    /// Not expanded; nil: a bare `ARG NAME`.
    package var defaultValue: String?
    package init(name: String, defaultValue: String?) {
        self.name = name
        self.defaultValue = defaultValue
    }
}

/// `NAME=word` of `ENV` and `LABEL`, both not expanded.
package struct NamedWord: Sendable, Equatable {
    package var name: String
    package var word: String
    package init(name: String, word: String) {
        self.name = name
        self.word = word
    }
}

/// The two ways to write a command.
package enum CommandForm: Sendable, Equatable {
    /// One string for the shell.
    case shell(String)
    /// A JSON array.
    case exec([String])
}

/// `<<NAME … NAME`.
package struct Heredoc: Sendable, Equatable {
    package var name: String
    /// Its lines, each with its line feed; tabs are stripped already where `<<-` asks for it.
    package var content: String
    /// False where the name was quoted.
    package var expands: Bool
    /// `3<<NAME` has 3; 0 where none is written.
    package var fileDescriptor: Int
    /// `<<-`.
    package var stripsTabs: Bool
    package init(name: String, content: String, expands: Bool, fileDescriptor: Int = 0, stripsTabs: Bool = false) {
        self.name = name
        self.content = content
        self.expands = expands
        self.fileDescriptor = fileDescriptor
        self.stripsTabs = stripsTabs
    }
}

package struct RunInstruction: Sendable, Equatable {
    package var command: CommandForm
    package var heredocs: [Heredoc] = []
    /// The values of `--mount`, not expanded; each is a syntactically right `RunMount`.
    package var mounts: [String] = []
    /// `default`, `none` or `host`; nil: `default`.
    package var network: String?
    /// `sandbox` or `insecure`; nil: `sandbox`.
    package var security: String?
    /// The values of `--device`.
    package var devices: [String] = []
    package init(command: CommandForm) { self.command = command }
}

/// `COPY` and `ADD`: what they share, and what only one has.
package struct CopyInstruction: Sendable, Equatable {
    package var isAdd: Bool
    package var sources: [String]
    /// Sources that are written in the file, named after the heredoc.
    package var heredocs: [Heredoc] = []
    package var destination: String
    package var from: String?
    package var chown: String?
    package var chmod: String?
    package var link = false
    package var parents = false
    package var excludes: [String] = []
    package var checksum: String?
    package var keepGitDirectory = false
    /// `ADD --unpack`; nil: as the source's kind has it.
    package var unpack: Bool?
    package init(isAdd: Bool, sources: [String], destination: String) {
        self.isAdd = isAdd
        self.sources = sources
        self.destination = destination
    }
}

/// `HEALTHCHECK`; durations as they were written are checked by the parser.
package struct HealthcheckInstruction: Sendable, Equatable {
    /// Nil: `HEALTHCHECK NONE`.
    package var command: CommandForm?
    /// Nil or zero: the base's, or Docker's default.
    package var interval: Duration?
    package var timeout: Duration?
    package var startPeriod: Duration?
    package var startInterval: Duration?
    package var retries: Int?
    package init(command: CommandForm?) { self.command = command }
}
