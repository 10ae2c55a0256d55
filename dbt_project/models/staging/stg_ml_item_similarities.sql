{{ config(tags=["after_ml"]) }} {{ model_rows("item_similarities") }}
