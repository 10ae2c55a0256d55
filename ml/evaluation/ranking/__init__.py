"""How good are ranked lists: splits that hold rows out, measures of what was recommended against them, and rows for
``ml.evaluation``. Everything takes frames with the columns of ``columns``, so that models of users and of sessions
are judged alike: a session is then the user, its next click the relevant item.
"""
