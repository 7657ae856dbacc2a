"""Trials of the whole engine under faults and under load: ``make faults``, ``make soak``, rows of ``make bench``.

Nothing here is part of the program. Officers are processes that take verbs and write down what they were answered;
the judge then reads the database and says what was lost.
"""
