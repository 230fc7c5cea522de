"""The order of the stages; it lives only here.

spec -> snapshot -> ( local build | image build ) -> profiles -> checks -> gate -> promote -> record
"""
