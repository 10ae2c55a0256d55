{{ config(tags=["after_ml"]) }} {{ model_rows("session_next_items") }}
