{{ config(tags=["after_ml"]) }} {{ model_rows("buy_again") }}
