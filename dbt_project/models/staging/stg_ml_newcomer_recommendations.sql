{{ config(tags=["after_ml"]) }} {{ model_rows("newcomer_recommendations") }}
