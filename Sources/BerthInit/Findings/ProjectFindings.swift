// What a directory is, as far as it says so.

package enum Language: String, Sendable, CaseIterable {
    case python = "Python", node = "Node.js", go = "Go", java = "Java", swift = "Swift", pages = "static site"
}

/// A program of the project beside the one that answers requests.
package struct ProjectProcess: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// Runs to its end before the service starts.
        case job
        /// Runs beside it.
        case worker
    }

    package var name: String
    package var kind: Kind
    package var command: [String]
    package var evidence: Evidence
}

/// A variable of the environment that the project reads.
package struct VariableFinding: Sendable, Equatable {
    package var name: String
    /// What an example file or the code gives where it is not set; never what `.env` says.
    package var example: String?
    package var evidence: Evidence
}

package struct DatabaseFinding: Sendable, Equatable {
    package var kind: DatabaseKind
    package var evidence: [Evidence]
}

package struct ProjectFindings: Sendable, Equatable {
    /// The directory's own name.
    package var name: String
    package var language: Finding<Language>
    package var framework: Finding<String>?
    package var version: Finding<String>?
    /// The tool that installs packages; the evidence is its lock file.
    package var packageTool: Finding<String>?
    package var start: Finding<[String]>?
    /// Nil: nothing says that it listens.
    package var port: Finding<Int>?
    /// A path that answers when all is well.
    package var healthPath: Finding<String>?
    package var processes: [ProjectProcess] = []
    package var databases: [DatabaseFinding] = []
    package var variables: [VariableFinding] = []
    /// What is there already of what would be written, and of what stands for it.
    package var existing = ExistingFiles()
    /// What the user has to look at.
    package var remarks: [String] = []
    var usesSQLAlchemy = false
    var dockerfile = ""
    var ignored: [String] = []
}

package struct ExistingFiles: Sendable, Equatable {
    package var dockerfile: String?
    package var ignoreFile: String?
    package var stackFile: String?

    package var all: [String] { [dockerfile, ignoreFile, stackFile].compactMap { $0 } }
}

package struct GeneratedFile: Sendable, Equatable {
    package var path: String
    package var text: String
}
