// Package partiql reads the PartiQL statements that DynamoDB understands
// ("PartiQL for DynamoDB" in the Developer Guide): SELECT, INSERT, UPDATE,
// DELETE and, for transactions, EXISTS.
//
// [Parse] takes a statement and its parameters and returns what it says, values
// in the places of the parameters. Conditions and updates come out as DynamoDB
// expressions with placeholders, so that one evaluator serves both languages.
//
// It never looks at tables: which attributes are keys, and whether a statement
// is a query or a scan, is the engine's to find out. Joins, aggregates, aliases
// and nested queries, which DynamoDB does not have, are refused.
package partiql
