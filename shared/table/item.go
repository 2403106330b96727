package table

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is a row in DynamoDB's form.
type item = map[string]types.AttributeValue

func str[T ~string](v T) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: string(v)}
}

func num[T ~int | ~int64](v T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(v), 10)}
}

func bin(v []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: v} }

// expiry writes a time in seconds, rounded up, as DynamoDB's time to live needs
// it.
func expiry(t time.Time) types.AttributeValue { return num(t.Unix() + 1) }

// millis writes a time in milliseconds, the form of all other attributes.
func millis(t time.Time) types.AttributeValue { return num(t.UnixMilli()) }

// The functions below return the zero value for an attribute that is absent:
// the row is older than the code.

func text[T ~string](it item, name string) T {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return T(v.Value)
	}
	return ""
}

func number[T ~int | ~int64](it item, name string) T {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return T(n)
	}
	return 0
}

func binary(it item, name string) []byte {
	if v, ok := it[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

func moment(it item, name string) time.Time {
	if ms := number[int64](it, name); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// seconds reads what expiry wrote, or returns the zero time.
func seconds(it item, name string) time.Time {
	if s := number[int64](it, name); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// expired reports whether a row's time to live is over.
func expired(it item, now time.Time) bool {
	at := number[int64](it, "expires")
	return at != 0 && now.Unix() >= at
}

// project returns a projection with placeholders, since many names are reserved
// words.
func project(names []string) (*string, map[string]string) {
	placeholders := make(map[string]string, len(names))
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = "#" + name
		placeholders[parts[i]] = name
	}
	expression := strings.Join(parts, ", ")
	return &expression, placeholders
}

// names returns the placeholders of the attributes that an expression uses.
func names(attributes ...string) map[string]string {
	_, placeholders := project(attributes)
	return placeholders
}
