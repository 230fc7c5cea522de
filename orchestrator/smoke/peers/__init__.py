"""Expectations that a project has written for another tool already (container-structure-test, goss).

Every key of such a file ends as judged, as a mistake with its place, or as *not judged* and listed; a file of which
nothing can be judged is a mistake. None of them puts anything into the image.
"""
