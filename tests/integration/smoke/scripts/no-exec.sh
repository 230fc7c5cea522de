#!/bin/sh
/t/actor loop ready
