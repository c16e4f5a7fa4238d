// Who a container runs as: Docker's rules over the image's own passwd and group, read through the root's descriptor.
import BerthLinux
import BerthModel

/// A resolved identity.
package struct ContainerUser: Equatable, Sendable {
    package var userID: UInt32
    package var groupID: UInt32
    /// The primary group always among them.
    package var groups: [UInt32]
    package var home: String
}

package enum UserLookup {
    private static let idMax: UInt64 = 0x7fff_ffff

    /// Resolves `user[:group]` and additional groups inside a root.
    package static func resolve(_ specification: String, additionalGroups: [String], root: Int32, service: String)
        throws
        -> ContainerUser
    {
        let passwd = try AccountFile("/etc/passwd", root: root, fields: 7)
        let group = try AccountFile("/etc/group", root: root, fields: 4)
        return try resolve(
            specification, additionalGroups: additionalGroups, passwd: passwd, group: group, service: service)
    }

    static func resolve(
        _ specification: String, additionalGroups: [String], passwd: AccountFile, group: AccountFile, service: String
    ) throws -> ContainerUser {
        let parts = specification.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? ""
        if parts.count == 2 && (name.isEmpty || parts[1].isEmpty) {
            throw failure(service, specification, "\"\(specification)\" is not user, uid, user:group or uid:gid")
        }
        var user = ContainerUser(userID: 0, groupID: 0, groups: [], home: "")
        var entry: [String]?
        if let number = try number(name, service, specification) {
            user.userID = number
            entry = passwd.first { UInt32($0[2]) == number }
        } else if !name.isEmpty {
            entry = passwd.first { $0[0] == name && isID($0[2]) && isID($0[3]) }
            guard let found = entry, let number = UInt32(found[2]) else {
                throw failure(service, specification, "unable to find user \(name): no matching entries in passwd file")
            }
            user.userID = number
        } else {
            entry = passwd.first { $0[2] == "0" }
        }
        if let entry {
            user.groupID = isID(entry[3]) ? UInt32(entry[3]) ?? 0 : 0
            user.home = entry[5]
        }
        if parts.count == 2 {
            user.groupID = try groupID(parts[1], group, service, specification)
        } else if let entry {
            user.groups = group.filter { $0[3].split(separator: ",").contains(Substring(entry[0])) }
                .compactMap { isID($0[2]) ? UInt32($0[2]) : nil }
        }
        let added = try additionalGroups.map { try groupID($0, group, service, $0) }
        var seen: Set<UInt32> = []
        user.groups = ([user.groupID] + user.groups + added).filter { seen.insert($0).inserted }
        return user
    }

    private static func groupID(_ text: String, _ group: AccountFile, _ service: String, _ specification: String) throws
        -> UInt32
    {
        if let number = try number(text, service, specification) { return number }
        guard let found = group.first(where: { $0[0] == text && isID($0[2]) }), let number = UInt32(found[2]) else {
            throw failure(service, specification, "unable to find group \(text): no matching entries in group file")
        }
        return number
    }

    /// Numeric is always numeric, and always 0 to 2^31 − 1. Nil: a name.
    private static func number(_ text: String, _ service: String, _ specification: String) throws -> UInt32? {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.dropFirst()) : text
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let value = UInt64(text), value <= idMax else {
            throw failure(service, specification, "ids must be in the range 0-\(idMax), and \"\(text)\" is not")
        }
        return UInt32(value)
    }

    private static func isID(_ text: String) -> Bool { UInt64(text).map { $0 <= idMax } ?? false }

    private static func failure(_ service: String, _ specification: String, _ cause: String) -> BerthError {
        BerthError(
            .invalid, "resolving user \"\(specification)\" of service \(service)", subject: specification, cause: cause)
    }
}
