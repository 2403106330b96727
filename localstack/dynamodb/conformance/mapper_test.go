package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"
)

// These tests run the requests that mappers build: github.com/guregu/dynamo,
// which uses KeyConditions together with expressions, and the expression
// builder and the value mapper of AWS's SDK.

type track struct {
	Artist string   `dynamo:"artist,hash" dynamodbav:"artist"`
	Year   int      `dynamo:"year,range" dynamodbav:"year" index:"by-genre,range"`
	Genre  string   `dynamo:"genre" dynamodbav:"genre" index:"by-genre,hash"`
	Plays  int      `dynamo:"plays" dynamodbav:"plays"`
	Tags   []string `dynamo:"tags,set" dynamodbav:"tags,stringset"`
}

var tracks = []track{
	{"ada", 1, "jazz", 10, []string{"live"}},
	{"ada", 2, "soul", 20, []string{"live", "new"}},
	{"ada", 3, "jazz", 30, []string{"new"}},
	{"bob", 2, "jazz", 5, []string{"old"}},
}

// years returns the years of tracks, in order.
func years(list []track) []int {
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = v.Year
	}
	return out
}

// tracksTable returns a table with tracks, made and filled by the mapper.
func tracksTable(t *testing.T) (*dynamo.DB, dynamo.Table) {
	t.Helper()
	db := dynamo.NewFromIface(target.client)
	name := newName()
	if err := db.CreateTable(name, track{}).OnDemand(true).Wait(t.Context()); err != nil {
		t.Fatalf("create the table: %v", err)
	}
	tb := db.Table(name)
	t.Cleanup(func() {
		if err := tb.DeleteTable().Run(context.Background()); err != nil {
			t.Errorf("delete the table: %v", err)
		}
	})
	for _, v := range tracks {
		if err := tb.Put(v).If("attribute_not_exists($)", "artist").Run(t.Context()); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
	return db, tb
}

func TestMapperQueries(t *testing.T) {
	_, tb := tracksTable(t)
	ada := func() *dynamo.Query { return tb.Get("artist", "ada") }
	for name, c := range map[string]struct {
		query *dynamo.Query
		want  []int
	}{
		"key":     {ada(), []int{1, 2, 3}},
		"range":   {ada().Range("year", dynamo.Greater, 1), []int{2, 3}},
		"between": {ada().Range("year", dynamo.Between, 1, 2), []int{1, 2}},
		"filter":  {ada().Filter("plays > ?", 10), []int{2, 3}},
		"range and filters": {ada().Range("year", dynamo.LessOrEqual, 2).Filter("contains($, ?)", "tags",
			"new").Filter("plays > ?", 1), []int{2}},
		"projection": {ada().Project("year"), []int{1, 2, 3}},
		"both":       {ada().Filter("plays > ?", 20).Project("year", "plays"), []int{3}},
		"descending": {ada().Filter("plays > ?", 10).Order(dynamo.Descending), []int{3, 2}},
		"index":      {tb.Get("genre", "jazz").Index("by-genre").Filter("plays > ?", 5), []int{1, 3}},
		"pages":      {ada().Filter("plays > ?", 10).RequestLimit(9).SearchLimit(2), []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []track
			if err := c.query.All(t.Context(), &got); err != nil || !slices.Equal(years(got), c.want) {
				t.Errorf("got %v, %v, want the years %v", got, err, c.want)
			}
		})
	}
	n, err := ada().Filter("plays > ?", 10).Count(t.Context())
	if err != nil || n != 2 {
		t.Errorf("filtered count: got %d, %v, want 2", n, err)
	}
	var one track
	if err := ada().Range("year", dynamo.Equal, 2).One(t.Context(), &one); err != nil || one.Genre != "soul" {
		t.Errorf("one: got %+v, %v, want the track of year 2", one, err)
	}
	if err := ada().Range("year", dynamo.Equal, 9).One(t.Context(), &one); !errors.Is(err, dynamo.ErrNotFound) {
		t.Errorf("missing: got %v, want %v", err, dynamo.ErrNotFound)
	}
	var scanned []track
	if err := tb.Scan().Filter("$ = ?", "genre", "jazz").All(t.Context(), &scanned); err != nil || len(scanned) != 3 {
		t.Errorf("scan: got %v, %v, want 3 tracks", scanned, err)
	}
}

func TestMapperWrites(t *testing.T) {
	db, tb := tracksTable(t)
	var got track
	err := tb.Update("artist", "ada").Range("year", 1).Set("genre", "folk").Add("plays", 5).
		AddStringsToSet("tags", "re-issue").If("plays = ?", 10).Value(t.Context(), &got)
	slices.Sort(got.Tags)
	if err != nil || got.Plays != 15 || got.Genre != "folk" || !slices.Equal(got.Tags, []string{"live", "re-issue"}) {
		t.Errorf("update: got %+v, %v, want 15 plays, folk and two tags", got, err)
	}
	err = tb.Update("artist", "ada").Range("year", 1).Set("plays", 0).If("plays = ?", 10).Run(t.Context())
	if !dynamo.IsCondCheckFailed(err) {
		t.Errorf("refused update: got %v, want a failed condition", err)
	}
	err = db.WriteTx().
		Put(tb.Put(track{"cy", 1, "pop", 1, []string{"x"}}).If("attribute_not_exists(artist)")).
		Update(tb.Update("artist", "ada").Range("year", 2).Remove("genre")).
		Delete(tb.Delete("artist", "bob").Range("year", 2)).
		Check(tb.Check("artist", "ada").Range("year", 3).IfExists()).
		Idempotent(true).Run(t.Context())
	if err != nil {
		t.Fatalf("transaction: %v", err)
	}
	var soul track
	if err := db.GetTx().GetOne(tb.Get("artist", "ada").Range("year", dynamo.Equal, 2), &soul).
		Run(t.Context()); err != nil || soul.Genre != "" || soul.Plays != 20 {
		t.Errorf("transactional get: got %+v, %v, want 20 plays without a genre", soul, err)
	}
	if n, err := tb.Batch("artist", "year").Write().Delete(dynamo.Keys{"ada", 1}, dynamo.Keys{"ada", 2}).
		Put(track{"di", 7, "pop", 1, []string{"x"}}).Run(t.Context()); err != nil || n != 3 {
		t.Errorf("batch write: got %d, %v, want 3", n, err)
	}
	var batch []track
	if err := tb.Batch("artist", "year").Get(dynamo.Keys{"di", 7}, dynamo.Keys{"ada", 3}, dynamo.Keys{"ada", 1}).
		All(t.Context(), &batch); err != nil || len(batch) != 2 {
		t.Errorf("batch get: got %v, %v, want 2 tracks", batch, err)
	}
}

func TestExpressionBuilder(t *testing.T) {
	_, tb := tracksTable(t)
	x, err := expression.NewBuilder().
		WithKeyCondition(expression.Key("artist").Equal(expression.Value("ada")).
			And(expression.Key("year").GreaterThan(expression.Value(1)))).
		WithFilter(expression.Name("tags").Contains("new").
			And(expression.Name("plays").GreaterThan(expression.Value(20)))).
		WithProjection(expression.NamesList(expression.Name("year"), expression.Name("plays"))).Build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := target.client.Query(t.Context(), &sdk.QueryInput{
		TableName:                 aws.String(tb.Name()),
		KeyConditionExpression:    x.KeyCondition(),
		FilterExpression:          x.Filter(),
		ProjectionExpression:      x.Projection(),
		ExpressionAttributeNames:  x.Names(),
		ExpressionAttributeValues: x.Values(),
	})
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	var got []track
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &got); err != nil || !slices.Equal(years(got), []int{3}) ||
		got[0].Genre != "" {
		t.Errorf("query: got %+v, %v, want year and plays of year 3", got, err)
	}
	item, err := attributevalue.MarshalMap(track{"ed", 1, "pop", 4, []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	absent, err := expression.NewBuilder().WithCondition(expression.Name("artist").AttributeNotExists()).Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.client.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:                aws.String(tb.Name()),
		Item:                     item,
		ConditionExpression:      absent.Condition(),
		ExpressionAttributeNames: absent.Names(),
	}); err != nil {
		t.Fatalf("put: %v", err)
	}
	update, err := expression.NewBuilder().
		WithUpdate(expression.Set(expression.Name("plays"), expression.Name("plays").Plus(expression.Value(1))).
			Remove(expression.Name("genre")).
			Add(expression.Name("tags"), expression.Value(&types.AttributeValueMemberSS{Value: []string{"y"}}))).
		WithCondition(expression.Name("plays").Between(expression.Value(1), expression.Value(9))).Build()
	if err != nil {
		t.Fatal(err)
	}
	updated, err := target.client.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName:                 aws.String(tb.Name()),
		Key:                       map[string]types.AttributeValue{"artist": item["artist"], "year": item["year"]},
		UpdateExpression:          update.Update(),
		ConditionExpression:       update.Condition(),
		ExpressionAttributeNames:  update.Names(),
		ExpressionAttributeValues: update.Values(),
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	var after track
	if err := attributevalue.UnmarshalMap(updated.Attributes, &after); err != nil || after.Plays != 5 ||
		after.Genre != "" || len(after.Tags) != 2 {
		t.Errorf("update: got %+v, %v, want 5 plays, no genre and two tags", after, err)
	}
}
