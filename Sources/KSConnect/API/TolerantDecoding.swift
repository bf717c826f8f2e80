// The API is known by observation only. A field that is missing, null or of another type than was
// seen is nil and costs nothing else of its object.
extension KeyedDecodingContainer {
    func tolerant<Value: Decodable>(_ key: Key, as _: Value.Type = Value.self) -> Value? {
        do {
            return try decodeIfPresent(Value.self, forKey: key)
        } catch {
            return nil
        }
    }

    /// A text, or a number written as text.
    func tolerantText(_ key: Key) -> String? {
        tolerant(key, as: String.self) ?? tolerant(key, as: Int.self).map { String($0) }
    }

    /// A value of an open list; the service writes some lists as numbers.
    func tolerantValue<Value: OpenValue>(_ key: Key, as _: Value.Type = Value.self) -> Value? {
        tolerantText(key).map { Value(rawValue: $0) }
    }
}
