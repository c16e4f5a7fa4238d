// The routes by name: one table that both ends read.
import BerthModel

/// `/berth/v1/NAME`, always POST with a JSON body; streams answer with JSON lines.
package enum Route: String, CaseIterable, Sendable {
    case version, up, down, change, stacks, containers, run, exec, attach, copyIn, wait, top, events
    case pull, push, resolve, checkLogin, build, pruneBuilds, importImage, loadImages, saveImages, images, inspectImage,
        tagImage,
        removeImage,
        pruneImages, commit, exportContainer, diskReport, checkStore, networks, volumes, changeNetworks, changeVolumes,
        usage, root, adoptVolume, resume, suspend
    case sharedNames, packShared, takeShared, removeShared

    package static let prefix = "/berth/v1/"
    package var path: String { Route.prefix + rawValue }

    package init?(path: String) {
        guard path.hasPrefix(Route.prefix) else { return nil }
        self.init(rawValue: String(path.dropFirst(Route.prefix.count)))
    }

    /// True: it is over when its client leaves. All other work goes on without its observer: what is being stopped or
    /// removed is better not left half-way.
    var endsWithClient: Bool { [.events, .wait, .build, .root, .up].contains(self) }

    /// A body beyond this is refused. Materials travel in requests, images do not.
    package static let bodyBytesMax = 64 << 20
    /// Raised when the documents change incompatibly; client and agent of different numbers do not talk.
    package static let protocolNumber = 6
}

/// Bodies of the routes whose requests are one or two plain values.
package struct NameRequest: Codable, Sendable {
    package var name: String; package var force = false; package var target: String?
}
package struct StackRequest: Codable, Sendable { package var stack: String?; package var all = false }
package struct ContainerRequest: Codable, Sendable { package var container: ContainerID }
package struct Nothing: Codable, Sendable {}

/// One line of an answer: an item, or the error that ends the stream.
package enum AnswerLine<Item: Codable & Sendable>: Codable, Sendable {
    case item(Item)
    case failed(BerthError)
    case ended
}
