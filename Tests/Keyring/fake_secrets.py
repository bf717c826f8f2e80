"""A Secret Service that misbehaves. usage: fake_secrets.py MODE

Modes: mute (takes calls, answers none), dies (ends in mid-call), wrong-types (answers with other
types than the interface says), no-default (has no default collection and refuses to make one),
forgetful (takes an item and keeps nothing), stranger (gives back somebody else's secret), slow
(answers every call, three seconds later).
"""

import sys

from gi.repository import Gio, GLib

MODE = sys.argv[1]
ROOT = "/org/freedesktop/secrets"
COLLECTION = ROOT + "/collection/only"
ITEM = COLLECTION + "/1"

INTERFACES = Gio.DBusNodeInfo.new_for_xml("""
<node>
  <interface name="org.freedesktop.Secret.Service">
    <method name="OpenSession">
      <arg type="s" direction="in"/><arg type="v" direction="in"/>
      <arg type="v" direction="out"/><arg type="o" direction="out"/></method>
    <method name="SearchItems"><arg type="a{ss}" direction="in"/>
      <arg type="ao" direction="out"/><arg type="ao" direction="out"/></method>
    <method name="ReadAlias"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
    <method name="CreateCollection"><arg type="a{sv}" direction="in"/>
      <arg type="s" direction="in"/><arg type="o" direction="out"/>
      <arg type="o" direction="out"/></method>
    <method name="GetSecrets"><arg type="ao" direction="in"/><arg type="o" direction="in"/>
      <arg type="a{o(oayays)}" direction="out"/></method>
    <property name="Collections" type="ao" access="read"/>
  </interface>
  <interface name="org.freedesktop.Secret.Collection">
    <method name="CreateItem"><arg type="a{sv}" direction="in"/>
      <arg type="(oayays)" direction="in"/><arg type="b" direction="in"/>
      <arg type="o" direction="out"/><arg type="o" direction="out"/></method>
    <property name="Items" type="ao" access="read"/>
    <property name="Label" type="s" access="read"/>
    <property name="Locked" type="b" access="read"/>
    <property name="Created" type="t" access="read"/>
    <property name="Modified" type="t" access="read"/>
  </interface>
  <interface name="org.freedesktop.Secret.Item">
    <method name="GetSecret"><arg type="o" direction="in"/>
      <arg type="(oayays)" direction="out"/></method>
    <property name="Locked" type="b" access="read"/>
    <property name="Attributes" type="a{ss}" access="read"/>
    <property name="Label" type="s" access="read"/>
    <property name="Type" type="s" access="read"/>
    <property name="Created" type="t" access="read"/>
    <property name="Modified" type="t" access="read"/>
  </interface>
  <interface name="org.freedesktop.Secret.Session"><method name="Close"/></interface>
</node>""")

PROPERTIES = {
    "Collections": ("ao", [] if MODE == "no-default" else [COLLECTION]),
    "Items": ("ao", []),
    "Label": ("s", "only"),
    "Locked": ("b", False),
    "Created": ("t", 0),
    "Modified": ("t", 0),
    "Attributes": ("a{ss}", {}),
    "Type": ("s", ""),
}


def secret(session):
    return (session, b"", b"not a key\nbut two lines", "text/plain")


def answer(method, arguments):
    if method == "OpenSession":
        if arguments[0] != "plain":
            raise ValueError("only plain")
        return "(vo)", (GLib.Variant("s", ""), ROOT + "/session/1")
    if method == "SearchItems":
        return "(aoao)", ([ITEM] if MODE == "stranger" else [], [])
    if method == "ReadAlias":
        return "(o)", ("/" if MODE == "no-default" else COLLECTION,)
    if method == "GetSecrets":
        return "(a{o(oayays)})", ({ITEM: secret(arguments[1])},)
    if method == "GetSecret":
        return "((oayays))", (secret(arguments[0]),)
    if method == "CreateItem":
        return "(oo)", (ITEM, "/")
    raise ValueError("refused")


def on_call(bus, sender, path, interface, method, parameters, invocation):
    if MODE == "mute":
        return
    if MODE == "dies":
        sys.exit(1)
    if MODE == "wrong-types" and method not in ("OpenSession",):
        # Sent by hand: the interface's own check would stop it here.
        message = Gio.DBusMessage.new_method_reply(invocation.get_message())
        message.set_body(GLib.Variant("(sia{sv})", ("surprise", 7, {})))
        bus.send_message(message, Gio.DBusSendMessageFlags.NONE)
        return
    if MODE == "slow":
        GLib.timeout_add(3000, reply, method, parameters, invocation)
    else:
        reply(method, parameters, invocation)


def reply(method, parameters, invocation):
    try:
        invocation.return_value(GLib.Variant(*answer(method, parameters.unpack())))
    except ValueError as refusal:
        invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", str(refusal))
    return GLib.SOURCE_REMOVE


def on_get(bus, sender, path, interface, name):
    kind, value = PROPERTIES[name]
    return GLib.Variant(kind, value)


def on_bus(bus, name):
    for path, interface in [
        (ROOT, "org.freedesktop.Secret.Service"),
        (COLLECTION, "org.freedesktop.Secret.Collection"),
        (ITEM, "org.freedesktop.Secret.Item"),
        (ROOT + "/session/1", "org.freedesktop.Secret.Session"),
    ]:
        info = INTERFACES.lookup_interface(interface)
        bus.register_object(path, info, on_call, on_get, None)


Gio.bus_own_name(
    Gio.BusType.SESSION, "org.freedesktop.secrets", Gio.BusNameOwnerFlags.NONE, on_bus,
    lambda *_: print("ready", flush=True), None)
GLib.MainLoop().run()
