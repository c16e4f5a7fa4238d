// Network namespaces as descriptors: made and entered on a thread of their own, so that no pool thread ever changes.
import CLinux

package enum NetworkNamespace {
    /// A new, empty network namespace.
    package static func create() throws(SystemError) -> SharedDescriptor {
        try create { () throws(SystemError) in }.namespace
    }

    /// A new network namespace, and what a body makes inside it on the same thread.
    package static func create<Result>(
        _ body: @escaping () throws(SystemError) -> Result
    ) throws(SystemError) -> (namespace: SharedDescriptor, result: Result) {
        try JoinedThread.run { () throws(SystemError) -> (namespace: SharedDescriptor, result: Result) in
            try systemCall("unshare", "CLONE_NEWNET") { unshare(Int32(CLONE_NEWNET)) }
            let namespace = SharedDescriptor(try Directory.open("/proc/thread-self/ns/net"))
            return (namespace, try body())
        }
    }

    /// This process's own.
    package static func own() throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try Directory.open("/proc/self/ns/net"))
    }

    /// Runs a body inside a namespace. Sockets that it makes stay in there.
    package static func inside<Result>(
        _ namespace: SharedDescriptor, _ body: @escaping () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try JoinedThread.run { () throws(SystemError) -> Result in
            try systemCall("setns") { setns(namespace.number, Int32(CLONE_NEWNET)) }
            return try body()
        }
    }
}
