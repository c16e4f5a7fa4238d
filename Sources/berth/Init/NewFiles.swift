// Files that were not there: all of them are made, or none.
import BerthInit
import BerthLinux
import BerthModel

enum NewFiles {
    /// Never replaces anything, a link that leads nowhere included.
    static func write(_ files: [GeneratedFile], in root: SharedDescriptor) throws {
        var made: [String] = []
        for file in files {
            do throws(SystemError) {
                let opened = try Directory.open(
                    inRootNumber: root.number, file.path, flags: FileFlags.create, mode: 0o644)
                made.append(file.path)
                try FileIO.write(opened, Array(file.text.utf8))
            } catch {
                // Ignored: what cannot be taken back is named by the error's hint.
                for path in made { try? RootedFiles.remove(inRootNumber: root.number, path) }
                let isThere = error.isAlreadyThere
                throw BerthError(
                    isThere ? .alreadyExists : .denied, "writing \(file.path)", subject: file.path, cause: error.reason,
                    hint: isThere
                        ? "something that is no file, or came just now, has its name; nothing was written"
                        : "nothing was written: make the directory writable, or use --dry-run")
            }
        }
    }
}
