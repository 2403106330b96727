import { expect, test } from "vitest";
import { readAddress, roomAddress } from "./address";

test.each([
  ["", null],
  ["#", null],
  ["#room/lobby", { room: "lobby" }],
  ["#room/Kitchen-2", { room: "kitchen-2" }],
  ["#room/%6Cobby", { room: "lobby" }],
  ["#room/", { problem: "#room/ is not the address of a room. Use at least two characters." }],
  ["#room/a", { problem: "#room/a is not the address of a room. Use at least two characters." }],
  [
    "#room/no%20way",
    { problem: "#room/no way is not the address of a room. Use lower-case letters a–z, digits, - and _, starting with a letter or digit." },
  ],
  [
    "#room/%E0%A4%A",
    { problem: "#room/%E0%A4%A is not the address of a room. Use lower-case letters a–z, digits, - and _, starting with a letter or digit." },
  ],
  ["#settings", { problem: "This page has no #settings. The address of a room is #room/NAME." }],
  [`#${"x".repeat(70)}`, { problem: `This page has no #${"x".repeat(60)}…. The address of a room is #room/NAME.` }],
])("the address %j", (hash, want) => {
  expect(readAddress(hash)).toEqual(want);
});

test("a room's address is read back", () => {
  expect(readAddress(roomAddress("a_room-1"))).toEqual({ room: "a_room-1" });
});
