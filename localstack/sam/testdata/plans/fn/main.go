// Package main stands for the code of the functions in the templates beside it.
package main

func main() {}
