// The version that every program of berth reports.

package enum BerthVersion {
    package static let text = "0.1.0"
}
