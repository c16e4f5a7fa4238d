// Where COPY takes from: a directory that nothing of what it holds can lead out of.
import BerthLinux
import BerthModel

/// A build context, the root of an image or a stage, or a directory of files that we made.
package struct CopySource: Sendable {
    package let root: SharedDescriptor
    /// Of a context: what matches does not exist for COPY.
    package let ignored: IgnorePatterns?
    /// Owners mean something in an image and a stage; of a context they are its author's, and count as 0:0.
    package let keepsOwners: Bool
    /// For messages: `the build context`, `stage build`.
    package let title: String

    package static func context(
        _ root: SharedDescriptor, ignoring ignored: IgnorePatterns? = nil, title: String = "the build context"
    ) -> CopySource {
        CopySource(
            root: root, ignored: ignored?.isEmpty == true ? nil : ignored, keepsOwners: false, title: title)
    }

    /// The mounted root of an image or of another stage.
    package static func image(_ root: SharedDescriptor, title: String) -> CopySource {
        CopySource(root: root, ignored: nil, keepsOwners: true, title: title)
    }

    /// Files that we fetched or wrote for this step.
    package static func generated(_ root: SharedDescriptor, title: String) -> CopySource {
        CopySource(root: root, ignored: nil, keepsOwners: false, title: title)
    }
}
