// Package partiql parses the PartiQL statements of DynamoDB ("PartiQL for
// DynamoDB" in the Developer Guide): SELECT, INSERT, UPDATE, DELETE and, for
// transactions, EXISTS.
//
// [Parse] parses a statement and replaces its parameters by their values.
// [Writer] turns conditions and updates into DynamoDB expressions with
// placeholders, so that one evaluator serves both languages.
//
// The package has no notion of tables. The engine knows which attributes are
// keys and decides whether a statement is a query or a scan. Joins, aggregates,
// aliases and nested queries do not exist in DynamoDB and are refused.
package partiql
