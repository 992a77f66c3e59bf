module eidverify

go 1.20
