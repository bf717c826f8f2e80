/// Answers in the shapes that the service is known to give, written by hand from its field lists.
enum Fixture {
    static let me = """
        {"id":"6f9f0d8e-6a0c-4b58-9d3b-0b1f8d0f6a01","first_name":"Alice","last_name":"Ng",
         "phone":"+31201234567","email":"alice@example.org","language":"nl-NL","tag_number":null,
         "image_url":"https://img.example/a.png","something_new":{"x":[1,2]}}
        """

    static let site = """
        {"id":"2a63c0a4-5a0e-4f7c-8f43-0c6f0e6a7b10","site_uid":"S-0042",
         "customer_reference":"Canal House","time_zone":"Europe/Amsterdam","country_code":"NL",
         "pin_enabled":true,"active_user_amount":12,"subscribed_user_amount":10,
         "active_iq_amount":2,"subscription_valid":true,"installation_state":"completed",
         "store_events_ttl":"90.00:00:00",
         "owner":{"id":"6f9f0d8e-6a0c-4b58-9d3b-0b1f8d0f6a01","email":"alice@example.org",
                  "first_name":"Alice","last_name":"Ng"}}
        """

    static let lock = """
        {"id":"9d5be1f7-33a5-4a70-8f60-5a1d4f0d9e21","customer_reference":"Front door",
         "locked_state":"locked","lock_type":"escutcheon","online":true,
         "iq_link_state":"linked","battery_level":"fresh","left_open_alarm":false,
         "intrusion_alarm":false,"privacy_mode":true,"communication_type":"ble",
         "mac":"00:11:22:33:44:55",
         "iq":{"id":"c7a1","is_online":true,"otp_enabled":true}}
        """

    static let entry = """
        {"id":"e-1","event_category":"entry","event_detail":"unlocked_by_tag",
         "utc_date_time":"2026-08-19T12:50:38.1234567Z","local_date_time":"2026-08-19T14:50:38",
         "lock_id":"9d5be1f7-33a5-4a70-8f60-5a1d4f0d9e21","lock_customer_reference":"Front door",
         "user_id":"6f9f0d8e-6a0c-4b58-9d3b-0b1f8d0f6a01","user_first_name":"Alice",
         "user_last_name":"Ng","access_by":"tag","access_detail":null}
        """

    static let user = """
        {"id":"su-1","user":{"id":"6f9f0d8e-6a0c-4b58-9d3b-0b1f8d0f6a01",
         "email":"alice@example.org","first_name":"Alice","last_name":"Ng"},
         "roles":["site_owner","janitor"],"alias":"Al","blocked":false,
         "subscription_state":"subscribed","expires_at":"2027-01-01T00:00:00+01:00"}
        """

    static let iq = """
        {"id":"c7a1","customer_reference":"Hall","online":true,"state":"operational",
         "otp_enabled":true,"revision":"2.4.1","time_zone":"Europe/Amsterdam",
         "mac":"00:11:22:33:44:66"}
        """

    /// The usual shape of a list.
    static func page(_ items: [String], next: String? = nil) -> String {
        let link = next.map { "\"\($0)\"" } ?? "null"
        return """
            {"items":[\(items.joined(separator: ","))],"next_page_link":\(link),"count":99}
            """
    }

    static func site(id: String) -> String { #"{"id":"\#(id)"}"# }
}
