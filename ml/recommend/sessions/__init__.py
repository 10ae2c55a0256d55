"""What comes next in a session: members behind one protocol (``model``), next-item evaluation, choice by back-test."""
