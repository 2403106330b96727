package e2e

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// What a message says is in no attribute of any table, in no line that the
// stack or a function has written, and in no file of the data folder: after a
// conversation, and while its recipients have read it.
func TestProperty3_NobodyElseCanReadAMessage(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("sealed")
	users := crowd(ctx, t, s, room, 2)
	sub := follow(t, users[1], room)
	texts := []string{"the quick brown fox", "Grüße aus dem Nirgendwo", strings.Repeat("long and dull ", 300)}
	for _, text := range texts {
		mustSend(ctx, t, users[0], room, text)
	}
	heard, err := hear(ctx, sub, len(texts))
	if err != nil || heard[2].Body != texts[2] {
		t.Fatalf("heard %v, %v", heard, err)
	}

	items, err := allItems(ctx, dynamodb.NewFromConfig(awsConfig(s.url)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(items, func(item string) bool { return strings.Contains(item, string(room)) }) {
		t.Fatal("the tables do not show the room, so they cannot show that its texts are sealed")
	}
	written := append(items, s.stdout.String(), s.stderr.String())
	for _, text := range texts {
		for form, b := range forms(text) {
			for _, w := range written {
				if bytes.Contains([]byte(w), b) {
					t.Errorf("%.20q can be read (%s) in: %.200s", text, form, w)
				}
			}
		}
	}
	if places, err := searchBytes(s.data, texts...); err != nil || len(places) > 0 {
		t.Errorf("found in %v, %v", places, err)
	}
}
